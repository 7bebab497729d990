"""The wiring of the cluster: creates its components, binds its socket, starts and stops it."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from dispatcher.local.cluster.apimachinery.errors import SetupError
from dispatcher.local.cluster.apimachinery.resources import NAMESPACES
from dispatcher.local.cluster.apiserver.credentials import (
    Credentials,
    load,
    write_kubeconfig,
    write_private,
)
from dispatcher.local.cluster.apiserver.server import create_app
from dispatcher.local.cluster.client.event_recorder import EventRecorder
from dispatcher.local.cluster.client.workqueue import WorkQueue
from dispatcher.local.cluster.controllers.garbage_collector import GarbageCollector
from dispatcher.local.cluster.controllers.jobs import JobController
from dispatcher.local.cluster.controllers.node_lifecycle import NodeController
from dispatcher.local.cluster.controllers.quotas import QuotaController
from dispatcher.local.cluster.controllers.ttl_after_finished import TTLAfterFinishedController
from dispatcher.local.cluster.kubelet.guardian import Guardian, kill_marked
from dispatcher.local.cluster.kubelet.kubelet import Kubelet
from dispatcher.local.cluster.registry.registry import Registry
from dispatcher.local.cluster.scheduler.scheduler import Scheduler
from dispatcher.local.cluster.state_lock import lock_state
from dispatcher.local.cluster.storage.database import Database
from dispatcher.local.cluster.storage.store import Store

_BACKLOG = 512

utc_now = partial(datetime.now, UTC)


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
        """Where the Pods' files are, and their logs."""
        return self.directory / "pods"

    @property
    def objects(self) -> Path:
        """The file that keeps the objects."""
        return self.directory / "objects" / "objects.db"


class _Server(uvicorn.Server):
    """A server that leaves signals to its owner."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Cluster:
    """The components of one cluster, wired but not yet running."""

    def __init__(
        self, settings: Settings, credentials: Credentials, guard: Guardian, database: Database
    ) -> None:
        self._store = Store(database, utc_now, settings.window)
        self._registry = Registry(self._store, utc_now)
        self._events = EventRecorder(self._store, utc_now)
        self._nodes = NodeController(self._registry)
        self._scheduler = Scheduler(self._registry, self._events)
        self._quotas = QuotaController(self._store)
        self._jobs = JobController(self._registry, self._events, settings.backoff)
        self._collector = GarbageCollector(self._registry)
        self._ttl = TTLAfterFinishedController(self._registry)
        self._kubelet = Kubelet(
            self._registry, self._events, settings.pods, guard, settings.backoff
        )
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

    def _queues(self) -> Sequence[WorkQueue[Any]]:
        return [
            self._scheduler.queue,
            self._jobs.queue,
            self._jobs.orphans,
            self._collector.queue,
            self._ttl.queue,
            self._nodes.queue,
            self._quotas.queue,
            self._events.queue,
        ]

    def _resume(self) -> None:
        """Continues from the state in which the cluster last stopped."""
        if self._store.get(NAMESPACES, "", "default") is None:
            self._registry.create(NAMESPACES, "", {"metadata": {"name": "default"}})
        self._nodes.join()
        self._store.replay()
        self._kubelet.boot()

    async def run(self, listener: socket.socket, stop: asyncio.Event) -> None:
        """Serves until `stop` is set; then ends the Pods, the watches and the server.

        Raises RuntimeError if a controller has ended: the rest would still look like a working cluster.
        """
        self._resume()
        controllers = [asyncio.create_task(queue.run()) for queue in self._queues()]
        server = asyncio.create_task(self._server.serve(sockets=[listener]))
        stopper = asyncio.create_task(stop.wait())
        await asyncio.wait([server, stopper, *controllers], return_when=asyncio.FIRST_COMPLETED)
        died = [task for task in controllers if task.done()]
        for task in (stopper, *controllers):
            task.cancel()
        await self._kubelet.stop()
        self._closing.set()
        self._server.should_exit = True
        await server
        if died:
            raise RuntimeError("a controller of the local cluster ended unexpectedly") from _error(
                died[0]
            )


def _error(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()


async def serve(settings: Settings) -> None:
    """Runs a cluster until SIGTERM or SIGINT; raises `SetupError`."""
    settings.directory.mkdir(parents=True, exist_ok=True)
    settings.directory.chmod(0o700)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    credentials = load(settings.directory)
    lock = lock_state(settings.directory)
    # If the guardian was killed too, the processes that it watched still run.
    kill_marked(settings.pods)
    with (
        listen(settings) as listener,
        closing(Database(settings.objects)) as database,
        closing(Guardian(settings.pods, lock)) as guard,
    ):
        cluster = Cluster(settings, credentials, guard, database)
        announce(settings, listener, credentials)
        await cluster.run(listener, stop)
    os.close(lock)


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
