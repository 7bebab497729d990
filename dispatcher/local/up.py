"""`git-dispatcher up`: all parts on one machine, supervised, with their state in one directory."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import secrets
import shlex
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import redis
from rich.console import Console

from dispatcher.config import read_configuration
from dispatcher.domain.errors import DispatcherError, UsageError
from dispatcher.ledger import Keys, connect
from dispatcher.local.kube import create_namespace, kube_client
from dispatcher.local.ports import Ports
from dispatcher.local.private_files import private_folder, write_private
from dispatcher.local.python import program, python
from dispatcher.local.starter import ensure_starter
from dispatcher.local.supervisor import NotReady, Part, Running, Say
from dispatcher.local.valkey import UNHEARD, socket_path, socket_url, valkey_command

COLOURS = {"valkey": "red", "cluster": "blue", "web": "green", "watcher": "magenta"}
NAMESPACES_EVERY = 2.0  # seconds


@dataclass(frozen=True)
class Place:
    """Where the parts of one `up` are."""

    state: Path
    config: Path
    web_port: int
    socket: Path
    """Valkey's."""
    token: str

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
    with _locked(state_dir):
        try:
            place = find_place(state_dir, config, ports.take(port))
            return asyncio.run(_run(place, workers, console))
        finally:
            ports.release()


def find_place(state: Path, config: Path | None, web_port: int) -> Place:
    """Makes what is missing in the state directory, checks the configuration.

    The token is new each time: commands give the last one to whoever has taken the port since.
    """
    state = state.resolve()
    token = secrets.token_hex(32)
    url = f"http://127.0.0.1:{web_port}"
    config = config.resolve() if config else ensure_starter(state, url)
    read_configuration(config, os.environ)
    write_private(state / "client.json", json.dumps({"url": url, "token": token}))
    return Place(state, config, web_port, socket_path(state), token)


async def _run(place: Place, workers: int, console: Console) -> int:
    def say(name: str, line: str) -> None:
        colour = COLOURS.get(name, "cyan")
        console.print(f"[{colour}]{name:>8} |[/] ", end="")
        console.print(line, markup=False)

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    running: list[Running] = []
    try:
        starting = asyncio.create_task(start_all(place, workers, say, running))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            targets = list(read_configuration(place.config, os.environ).targets)
            console.print(welcome(place, targets), markup=False)
            keeping = asyncio.create_task(_keep_namespaces(place, say))
            await stopping
            keeping.cancel()
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


async def start_all(place: Place, workers: int, say: Say, running: list[Running]) -> None:
    """Starts the parts in order; what runs is in `running`, also when it raises NotReady."""
    for part in storage(place):
        await _start(part, say, running)
    await asyncio.to_thread(_make_namespaces, place)
    starting = [_start(part, say, running) for part in processes(place, workers)]
    await asyncio.gather(*starting)


async def _start(part: Part, say: Say, running: list[Running]) -> None:
    process = Running(part, say)
    running.append(process)
    await process.start()


async def stop_all(running: Sequence[Running]) -> None:
    """First what receives, last what keeps the state."""
    order = ("web", "worker", "watcher", "cluster", "valkey")
    for name in order:
        those = [r.stop() for r in running if r.part.name.startswith(name)]
        await asyncio.gather(*those)


def storage(place: Place) -> list[Part]:
    """What the product's own processes need: a Redis and a cluster."""
    folder = private_folder(place.state / "valkey")
    cluster = private_folder(place.state / "cluster")
    place.kubeconfig.unlink(missing_ok=True)
    valkey = [*valkey_command(folder, place.socket), "--loglevel", "warning"]
    local = python("-m", "dispatcher.local.cluster", "--state-dir", str(cluster))
    return [
        Part("valkey", valkey, {}, lambda: asyncio.to_thread(_redis_answers, place), UNHEARD),
        Part("cluster", local, {}, lambda: asyncio.to_thread(place.kubeconfig.exists)),
    ]


def processes(place: Place, workers: int) -> list[Part]:
    """The three kinds of process that a production installation runs too."""

    def part(name: str, module: str, verb: str, ready: Callable[[], Awaitable[bool]]) -> Part:
        return Part(name, python("-m", module, verb), place.environment, ready)

    names = ["worker"] if workers == 1 else [f"worker.{n}" for n in range(1, workers + 1)]
    return [
        part("web", "dispatcher.cli", "web", lambda: asyncio.to_thread(_web_answers, place)),
        part("watcher", "workers", "watcher", lambda: asyncio.to_thread(_is_led, place)),
        *(part(n, "workers", "worker", lambda: _workers_are_there(place, workers)) for n in names),
    ]


async def _workers_are_there(place: Place, count: int) -> bool:
    def look() -> bool:
        with connect(place.redis_url) as client:
            return int(client.scard("rq:workers")) >= count

    return await asyncio.to_thread(look)


def _redis_answers(place: Place) -> bool:
    try:
        with connect(place.redis_url) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _is_led(place: Place) -> bool:
    with connect(place.redis_url) as client:
        return bool(client.exists(Keys("default").leader))


def _web_answers(place: Place) -> bool:
    try:
        headers = {"Authorization": f"Bearer {place.token}"}
        url = f"{place.url}/api/v1/targets"
        return httpx.get(url, headers=headers, trust_env=False).is_success
    except httpx.HTTPError:
        return False


async def _keep_namespaces(place: Place, say: Say) -> None:
    """Makes what a changed configuration needs."""
    while True:
        try:
            await asyncio.to_thread(_make_namespaces, place)
        except (httpx.HTTPError, DispatcherError, OSError):
            pass  # its log says what is wrong
        except Exception as error:  # noqa: BLE001  # tried again, whatever it is
            say("up", f"namespaces could not be made: {type(error).__name__}: {error}")
        await asyncio.sleep(NAMESPACES_EVERY)


def _make_namespaces(place: Place) -> None:
    """A real cluster's namespaces are somebody else's business; the local one's are ours."""
    targets = read_configuration(place.config, os.environ).targets.values()
    with kube_client(place.kubeconfig) as client:
        for namespace in sorted({target.namespace for target in targets}):
            create_namespace(client, namespace)


def welcome(place: Place, targets: Sequence[str]) -> str:
    """What to do next: every command can be copied into any other terminal."""
    state = f"--state-dir {shlex.quote(str(place.state))}"
    ask = program("git-dispatcher")
    lines = [
        "",
        f"git-dispatcher is up.  Webhooks: {place.url}/webhooks/…   Configuration: {place.config}",
        "",
        "What there is, what runs, what happened:",
        f"  {ask} targets {state}",
        *(f"  {ask} deploys {name} {state}" for name in targets[:1]),
        "",
        "The Jobs and Pods, and the queue:",
        f"  kubectl --kubeconfig {shlex.quote(str(place.kubeconfig))} get jobs,pods",
        f"  {program('rq')} info --url {shlex.quote(place.redis_url)}",
    ]
    if (place.state / "hello.git").exists():
        hello = place.state / "hello.git"
        lines += [
            "",
            "A push to try:",
            f"  git clone {shlex.quote(str(hello))} hello && cd hello",
            "  git commit --allow-empty -m 'Deploy me' && git push",
        ]
    return "\n".join([*lines, "", "Ctrl-C stops everything; the state stays.", ""])


class _locked:  # reads as a function where it is used
    """One `up` per state directory."""

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
