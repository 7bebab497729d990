"""The cluster put together: its parts, its socket, its start and its end."""

import asyncio
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from workers.localcluster.credentials import (
    Credentials,
    load,
    write_kubeconfig,
    write_private,
)
from workers.localcluster.errors import SetupError
from workers.localcluster.gc import GarbageCollector
from workers.localcluster.guardian import Guardian
from workers.localcluster.jobs import JobController
from workers.localcluster.kubelet import Kubelet
from workers.localcluster.objects import utc_now
from workers.localcluster.registry import Registry
from workers.localcluster.resources import NAMESPACES
from workers.localcluster.server import create_app
from workers.localcluster.store import Store
from workers.localcluster.ttl import FinishedJobCollector

_BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Settings:
    """`port` 0 means the one of the last start, or any; `backoff` is in seconds.

    `window` is how many changes per kind are kept for watches.
    """

    directory: Path
    host: str = "127.0.0.1"
    port: int = 0
    backoff: float = 1.0
    window: int = 5000

    @property
    def pods(self) -> Path:
        """Where the Pods' files are while they run."""
        return self.directory / "pods"


class _Server(uvicorn.Server):
    """A server that leaves signals to its owner."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Cluster:
    """All parts of one cluster, wired but not yet running."""

    def __init__(self, settings: Settings, credentials: Credentials, guard: Guardian) -> None:
        self._store = Store(utc_now, settings.window)
        self._registry = Registry(self._store, utc_now)
        self._jobs = JobController(self._registry, settings.backoff)
        self._collector = GarbageCollector(self._registry)
        self._ttl = FinishedJobCollector(self._registry)
        self._kubelet = Kubelet(self._registry, settings.pods, guard, settings.backoff)
        self._closing = asyncio.Event()
        app = create_app(self._registry, self._kubelet, credentials, self._closing)
        self._server = _Server(
            uvicorn.Config(
                app,
                ssl_certfile=credentials.certificate,
                ssl_keyfile=credentials.key,
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=1,
                # Clients keep connections as long as a real API server lets them.
                timeout_keep_alive=300,
            )
        )
        self._registry.create(NAMESPACES, "", {"metadata": {"name": "default"}})

    async def run(self, listener: socket.socket, stop: asyncio.Event) -> None:
        """Serves until `stop` is set; then ends the Pods, the watches and the server."""
        queues = (self._jobs.queue, self._jobs.orphans, self._collector.queue, self._ttl.queue)
        controllers = [asyncio.create_task(queue.run()) for queue in queues]
        server = asyncio.create_task(self._server.serve(sockets=[listener]))
        stopper = asyncio.create_task(stop.wait())
        await asyncio.wait([server, stopper], return_when=asyncio.FIRST_COMPLETED)
        for task in (stopper, *controllers):
            task.cancel()
        await self._kubelet.stop()
        self._closing.set()
        self._server.should_exit = True
        await server


async def serve(settings: Settings) -> None:
    """Runs a cluster until SIGTERM or SIGINT; raises `SetupError`."""
    settings.directory.mkdir(parents=True, exist_ok=True)
    settings.directory.chmod(0o700)
    shutil.rmtree(settings.pods, ignore_errors=True)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    credentials = load(settings.directory, utc_now())
    with listen(settings) as listener, closing(Guardian(settings.pods)) as guard:
        cluster = Cluster(settings, credentials, guard)
        announce(settings, listener, credentials)
        await cluster.run(listener, stop)
    shutil.rmtree(settings.pods, ignore_errors=True)


def announce(settings: Settings, listener: socket.socket, credentials: Credentials) -> None:
    """Says where the cluster is, now that its socket takes connections."""
    host, port = listener.getsockname()[:2]
    url = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    kubeconfig = settings.directory / "kubeconfig"
    write_kubeconfig(kubeconfig, url, credentials)
    write_private(settings.directory / "port", str(port).encode())
    print(f"local cluster ready: {url} kubeconfig={kubeconfig}", flush=True)


def listen(settings: Settings) -> socket.socket:
    """The server's socket: on the port asked for, else on the last start's, else on a free one."""
    if settings.port:
        try:
            return _bind(settings.host, settings.port)
        except OSError as error:
            raise SetupError(f"--port {settings.port}: {error.strerror}") from error
    with suppress(OSError, ValueError):
        return _bind(settings.host, int((settings.directory / "port").read_text()))
    return _bind(settings.host, 0)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, each answer
    # would wait 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # A port whose last owner has just died is taken over; one that is in use is not.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
