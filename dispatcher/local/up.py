"""`git-dispatcher up`: all processes on one machine, supervised, with their state in one directory."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import secrets
import shlex
import signal
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import redis
from rich.console import Console

from dispatcher.config import read_configuration
from dispatcher.domain.errors import DispatcherError, UsageError
from dispatcher.ledger import Keys, Sessions, Store, connect, digest
from dispatcher.local.kube import create_namespace, kube_client
from dispatcher.local.ports import Ports
from dispatcher.local.private_files import private_folder, write_private
from dispatcher.local.python import program, python
from dispatcher.local.quickstart import ensure_quickstart
from dispatcher.local.supervisor import LogLine, NotReady, ProcessSpec, SupervisedProcess
from dispatcher.local.valkey import MUTED, socket_path, socket_url, valkey_command

COLOURS = {"valkey": "red", "cluster": "blue", "web": "green", "watcher": "magenta"}
NAMESPACES_SECONDS = 2.0
"""Between two checks for namespaces that a changed configuration needs."""
PLAIN_HTTP = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody: web is asked without TLS, and reading the system's certificates each time takes longer."""


@dataclass(frozen=True)
class LocalInstallation:
    """Where the processes of one `up` keep their state, and where they listen."""

    state: Path
    config: Path
    web_port: int
    socket: Path
    """The Unix socket of its Valkey."""
    token: str
    metrics_ports: tuple[int, ...] = ()
    """The watcher's, then one for each worker."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def redis_url(self) -> str:
        return socket_url(self.socket)

    @property
    def kubeconfig(self) -> Path:
        return self.state / "cluster" / "kubeconfig"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "REDIS_URL": self.redis_url,
            "KUBECONFIG": str(self.kubeconfig),
            "DISPATCHER_CONFIG": str(self.config),
            "DISPATCHER_API_TOKENS": self.token,
            "HOST": "127.0.0.1",
            "PORT": str(self.web_port),
        }


def run(*, state_dir: Path, config: Path | None, port: int, workers: int) -> int:
    """Runs until Ctrl-C or SIGTERM. Returns the exit code. Raises UsageError and ConfigError."""
    console = Console(highlight=False, soft_wrap=True)
    ports = Ports()
    with _Lock(state_dir):
        try:
            local = prepare_installation(state_dir, config, ports.take(port))
            metrics = tuple(ports.take(0) for _ in range(workers + 1))
            local = replace(local, metrics_ports=metrics)
            return asyncio.run(_run(local, workers, console))
        finally:
            ports.release()


def prepare_installation(state: Path, config: Path | None, web_port: int) -> LocalInstallation:
    """Creates what is missing in the state directory, and checks the configuration.

    Each start makes a new token: commands still send the old one to whatever process took the old port.
    """
    state = state.resolve()
    token = secrets.token_hex(32)
    url = f"http://127.0.0.1:{web_port}"
    config = config.resolve() if config else ensure_quickstart(state, url)
    read_configuration(config, os.environ)
    write_private(state / "client.json", json.dumps({"url": url, "token": token}))
    return LocalInstallation(state, config, web_port, socket_path(state), token)


async def _run(local: LocalInstallation, workers: int, console: Console) -> int:
    def log(name: str, line: str) -> None:
        colour = COLOURS.get(name, "cyan")
        console.print(f"[{colour}]{name:>8} |[/] ", end="")
        console.print(line, markup=False)

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    running: list[SupervisedProcess] = []
    try:
        starting = asyncio.create_task(start_all(local, workers, log, running))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            targets = list(read_configuration(local.config, os.environ).targets)
            link = await asyncio.to_thread(sign_in_link, local)
            console.print(welcome(local, targets, link), markup=False)
            creating = asyncio.create_task(_keep_creating_namespaces(local, log))
            await stopping
            creating.cancel()
        else:
            starting.cancel()
    except NotReady as error:
        console.print(f"git-dispatcher up: {error}", markup=False)
        return 1
    finally:
        console.print("stopping …")
        await stop_all(running)
    console.print("stopped")
    return 0


async def start_all(
    local: LocalInstallation, workers: int, log: LogLine, running: list[SupervisedProcess]
) -> None:
    """Starts the processes in order, and appends each to `running`, also if it raises NotReady."""
    for spec in backends(local):
        await _start(spec, log, running)
    await asyncio.to_thread(_create_namespaces, local)
    starting = [_start(spec, log, running) for spec in processes(local, workers)]
    await asyncio.gather(*starting)


async def _start(spec: ProcessSpec, log: LogLine, running: list[SupervisedProcess]) -> None:
    process = SupervisedProcess(spec, log)
    running.append(process)
    await process.start()


async def stop_all(running: Sequence[SupervisedProcess]) -> None:
    """Stops the receivers first, the storage last."""
    order = ("web", "worker", "watcher", "cluster", "valkey")
    for name in order:
        stops = [each.stop() for each in running if each.spec.name.startswith(name)]
        await asyncio.gather(*stops)


def backends(local: LocalInstallation) -> list[ProcessSpec]:
    """The backends of the product's own processes: a Redis and a cluster."""
    folder = private_folder(local.state / "valkey")
    cluster = private_folder(local.state / "cluster")
    local.kubeconfig.unlink(missing_ok=True)
    valkey = [*valkey_command(folder, local.socket), "--loglevel", "warning"]
    cluster_command = python("-m", "dispatcher.local.cluster", "--state-dir", str(cluster))
    return [
        ProcessSpec("valkey", valkey, {}, lambda: asyncio.to_thread(_redis_answers, local), MUTED),
        ProcessSpec(
            "cluster", cluster_command, {}, lambda: asyncio.to_thread(local.kubeconfig.exists)
        ),
    ]


def processes(local: LocalInstallation, workers: int) -> list[ProcessSpec]:
    """The three kinds of process that production runs too: web, watcher, worker."""

    def spec(
        name: str, module: str, verb: str, ready: Callable[[], Awaitable[bool]], metrics: int = 0
    ) -> ProcessSpec:
        environment = {**local.environment, "DISPATCHER_METRICS_PORT": str(metrics)}
        return ProcessSpec(name, python("-m", module, verb), environment, ready)

    of_watcher, *of_workers = local.metrics_ports or [0] * (workers + 1)
    names = ["worker"] if workers == 1 else [f"worker.{n}" for n in range(1, workers + 1)]
    return [
        spec("web", "dispatcher.cli", "web", lambda: asyncio.to_thread(_web_answers, local)),
        spec(
            "watcher",
            "workers",
            "watcher",
            lambda: asyncio.to_thread(_has_leader, local),
            of_watcher,
        ),
        *(
            spec(n, "workers", "worker", lambda: _workers_are_registered(local, workers), port)
            for n, port in zip(names, of_workers, strict=True)
        ),
    ]


async def _workers_are_registered(local: LocalInstallation, count: int) -> bool:
    def look() -> bool:
        with connect(local.redis_url) as client:
            return int(client.scard("rq:workers")) >= count

    return await asyncio.to_thread(look)


def _redis_answers(local: LocalInstallation) -> bool:
    try:
        with connect(local.redis_url) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _has_leader(local: LocalInstallation) -> bool:
    with connect(local.redis_url) as client:
        return bool(client.exists(Keys("default").leader))


def _web_answers(local: LocalInstallation) -> bool:
    try:
        headers = {"Authorization": f"Bearer {local.token}"}
        url = f"{local.url}/api/v1/targets"
        return httpx.get(url, headers=headers, trust_env=False, verify=PLAIN_HTTP).is_success
    except httpx.HTTPError:
        return False


async def _keep_creating_namespaces(local: LocalInstallation, log: LogLine) -> None:
    """Creates the namespaces that a changed configuration names."""
    while True:
        try:
            await asyncio.to_thread(_create_namespaces, local)
        except (httpx.HTTPError, DispatcherError, OSError):
            pass  # the log of the process that does not answer says why
        except Exception as error:  # noqa: BLE001  # the loop tries again after any error
            log("up", f"namespaces could not be created: {type(error).__name__}: {error}")
        await asyncio.sleep(NAMESPACES_SECONDS)


def _create_namespaces(local: LocalInstallation) -> None:
    """Creates the targets' namespaces: in a real cluster an operator does."""
    targets = read_configuration(local.config, os.environ).targets.values()
    with kube_client(local.kubeconfig) as client:
        for namespace in sorted({target.namespace for target in targets}):
            create_namespace(client, namespace)


def sign_in_link(local: LocalInstallation) -> str:
    """The dashboard's address, with a code that signs in once."""
    with connect(local.redis_url) as client:
        code = Sessions(Store(client, Keys("default"))).link(digest(local.token))
    return f"{local.url}/sign-in?link={code}"


def welcome(local: LocalInstallation, targets: Sequence[str], link: str) -> str:
    """The next steps, as commands that work when copied into any other terminal."""
    state = f"--state-dir {shlex.quote(str(local.state))}"
    command = program("git-dispatcher")
    lines = [
        "",
        "git-dispatcher is up. This link opens its dashboard, once and within ten minutes:",
        f"  {link}",
        "",
        f"Webhooks: {local.url}/webhooks/…   Configuration: {local.config}",
        "",
        "What there is, what runs, what happened:",
        f"  {command} targets {state}",
        *(f"  {command} deploys {name} {state}" for name in targets[:1]),
        "",
        "The Jobs and Pods, and the queue:",
        f"  kubectl --kubeconfig {shlex.quote(str(local.kubeconfig))} get jobs,pods",
        f"  {program('rq')} info --url {shlex.quote(local.redis_url)}",
        *_metrics(local),
    ]
    if (local.state / "hello.git").exists():
        hello = local.state / "hello.git"
        lines += [
            "",
            "A push to try:",
            f"  git clone {shlex.quote(str(hello))} hello && cd hello",
            "  git commit --allow-empty -m 'Deploy me' && git push",
        ]
    return "\n".join([*lines, "", "Ctrl-C stops everything; the state stays.", ""])


def _metrics(local: LocalInstallation) -> list[str]:
    """Where each process serves its metrics."""
    if not local.metrics_ports:
        return []
    urls = [f"http://127.0.0.1:{port}/metrics" for port in local.metrics_ports]
    count = len(urls) - 1
    workers = ["worker"] if count == 1 else [f"worker.{number}" for number in range(1, count + 1)]
    named = zip(["web", "watcher", *workers], [f"{local.url}/metrics", *urls], strict=True)
    return ["", "Metrics, for Prometheus:", *(f"  {name:<10} {url}" for name, url in named)]


class _Lock:
    """Allows one `up` per state directory."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def __enter__(self) -> None:
        private_folder(self._state)
        self._file = (self._state / "lock").open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                f"git-dispatcher up runs already with {self._state}; choose another --state-dir"
            ) from None

    def __exit__(self, *_: object) -> None:
        self._file.close()
