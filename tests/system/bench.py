"""One installation's rules without its processes: a test says when a worker works, and what goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dispatcher.config.reloading import Reloader
from dispatcher.domain.deploy import Deploy
from dispatcher.domain.errors import ClusterUnavailable
from dispatcher.domain.outcome import Result
from dispatcher.domain.push import Push
from dispatcher.domain.snapshot import Snapshot
from dispatcher.ledger import (
    Keys,
    Listings,
    Repairs,
    Schedule,
    Slots,
    Store,
    Targets,
    Timeouts,
    WakeUps,
    connect,
)
from dispatcher.ledger.codec import decode
from dispatcher.local.kube import items
from tests.dispatcher.ledger.helpers import a_submission
from tests.system.installation import Installation, sha
from tests.waiting import PATIENCE, eventually
from workers.kube.client import Access, Cluster
from workers.kube.objects import Job
from workers.reconcile.reconciler import Reconciler
from workers.watch.election import Election
from workers.watch.watcher import Watcher

TARGET = "shop"


class FaultyCluster(Cluster):
    """The real cluster, with something done before or after the next call of a kind."""

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self.calls: list[str] = []
        """Every request that a worker sent, as method and path."""
        self.before: dict[str, Callable[[], None]] = {}
        self.after: dict[str, Callable[[], None]] = {}

    def _open(self, what: str, method: str, path: str, *rest: Any) -> Any:
        self.calls.append(f"{method} {path}")
        return super()._open(what, method, path, *rest)

    def create_job(self, manifest: dict[str, Any]) -> Job:
        self.before.pop("create", _nothing)()
        job = super().create_job(manifest)
        self.after.pop("create", _nothing)()
        return job

    def delete_job(self, namespace: str, name: str, uid: str) -> bool:
        self.before.pop("delete", _nothing)()
        return super().delete_job(namespace, name, uid)


def _nothing() -> None:
    pass


def nobody_listens() -> None:
    raise ClusterUnavailable("the API server is away", sent=False)


def unavailable() -> None:
    raise ClusterUnavailable("the API server is away")


@dataclass
class Bench:
    """A ledger of its own, a watcher in a thread, workers by hand: all on the installation's servers."""

    system: Installation
    folder: Path
    instance: str
    script: str = "sleep 60"
    timeouts: Timeouts = field(default_factory=Timeouts)
    settings: dict[str, Any] = field(default_factory=dict)
    """Further sections of its configuration."""

    def start(self) -> None:
        url, kubeconfig = self.system.local.redis_url, str(self.system.local.kubeconfig)
        self.cluster = FaultyCluster(Access(kubeconfig))
        self.keys = Keys(self.instance)
        self._clients = [connect(url), connect(url, text=False), connect(url)]
        self.store = Store(self._clients[0], self.keys, timeouts=self.timeouts)
        file = self.folder / "config.yaml"
        self.configure(self.settings)
        self.wake_ups = WakeUps(self._clients[1], f"queue-{self.instance}", self.instance)
        watcher = Watcher(
            Store(self._clients[2], self.keys, timeouts=self.timeouts),
            self.wake_ups,
            Cluster(Access(kubeconfig)),
            Reloader(file, {}),
            self.instance,
        )
        self.election = Election(watcher)
        self._thread = threading.Thread(target=self.election.run, daemon=True)
        self._thread.start()
        assert eventually(lambda: Listings(self.store).listed() & {"default", ""})

    def stop(self) -> None:
        self.election.stop()
        self._thread.join()
        for client in self._clients:
            client.close()

    def configure(self, settings: dict[str, Any]) -> None:
        document = self._configuration() | settings
        (self.folder / "config.yaml").write_text(yaml.safe_dump(document))

    def forget(self) -> None:
        """Redis is emptied, as far as this ledger goes."""
        for key in self.store.client.scan_iter(match=f"{self.keys.prefix}*"):
            self.store.client.delete(key)

    def _configuration(self) -> dict[str, Any]:
        job = {
            "image": "busybox:1.36",
            "command": ["sh", "-c", self.script],
            "clone": False,
            "stop_grace": "1s",
        }
        target = {"repository": "https://git.example.com/a/b", "branches": ["main"], "job": job}
        return {"version": 1, "targets": {TARGET: target}}

    def worker(self) -> Reconciler:
        return Reconciler(
            Targets(self.store),
            Slots(self.store),
            Schedule(self.store),
            Repairs(self.store),
            self.cluster,
            self.instance,
            self.wake_ups.enqueue,
            jitter=lambda: 0.0,
        )

    def work(self) -> None:
        self.worker().reconcile(TARGET)

    def push(self, before: str, after: str) -> Result:
        push = Push(
            repository="git.example.com/a/b",
            ref="refs/heads/main",
            before=sha(before),
            after=sha(after),
        )
        submission = a_submission(push, TARGET)
        (raw,) = self.store.scripts.run_many([submission.call(self.store)])
        return submission.answer(raw).result

    def snapshot(self) -> Snapshot:
        """What a worker would read; waits until nobody holds the target."""
        found = eventually(lambda: self.acquire())
        assert found is not None
        Targets(self.store).record(found, "look", release=True, due_at=found.now)
        return found

    def acquire(self) -> Snapshot | None:
        found = Targets(self.store).acquire(TARGET, "look")
        return found if isinstance(found, Snapshot) else None

    def deploy(self, number: int) -> Deploy:
        raw = self.store.client.hget(self.keys.deploys(TARGET), str(number))
        assert isinstance(raw, str)
        return decode(raw, Deploy)

    def until(self, look: Callable[[], bool], seconds: float = PATIENCE) -> bool:
        """Works again and again, as wake-ups would have it, until something is so."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if look():
                return True
            self.work()
            time.sleep(0.05)
        return look()

    def jobs(self) -> dict[str, dict[str, Any]]:
        selector = f"git-dispatcher/instance={self.instance}"
        found = items(self.system.kube, "/apis/batch/v1/jobs", selector)
        return {job["metadata"]["name"]: job for job in found}

    def live_jobs(self) -> list[str]:
        """Names of the Jobs that may run Pods."""
        return sorted(name for name, job in self.jobs().items() if not job["spec"].get("suspend"))

    def running_pods(self) -> list[str]:
        selector = f"git-dispatcher/instance={self.instance}"
        pods = items(self.system.kube, "/api/v1/pods", selector)
        return [pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] == "Running"]
