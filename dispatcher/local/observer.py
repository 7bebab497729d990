"""An independent witness: follows all Pods of the cluster through its API and notes what ran when."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from dispatcher.local.kube import kube_client

ENDED = ("Succeeded", "Failed")


@dataclass
class Run:
    """One Pod's time of running, by the witness' clock."""

    pod: str
    job: str
    target: str
    number: int
    began: float
    ended: float = 0.0


@dataclass
class Observer:
    """Start it before anything runs. `overlaps` is the verdict."""

    kubeconfig: Path
    tell: Callable[[str], None] = lambda line: None
    runs: dict[str, Run] = field(default_factory=dict)
    most_at_once: int = 0
    overlaps: list[str] = field(default_factory=list)

    def start(self) -> None:
        client = kube_client(self.kubeconfig)
        threading.Thread(target=self._follow, args=(client,), daemon=True).start()

    def _follow(self, client: httpx.Client) -> None:
        listed = client.get("/api/v1/pods").json()
        version = listed["metadata"]["resourceVersion"]
        options = {"watch": "true", "resourceVersion": version}
        try:
            with client.stream("GET", "/api/v1/pods", params=options, timeout=None) as answer:
                for event in _events(answer):
                    self._note(event["type"], event["object"])
        except httpx.HTTPError:
            self.tell("the cluster has ended its watch")
        finally:
            client.close()

    def _note(self, kind: str, pod: dict[str, Any]) -> None:
        uid, phase = pod["metadata"]["uid"], pod["status"].get("phase", "")
        if kind == "DELETED" or phase in ENDED:
            self._end(uid)
        elif phase == "Running" and uid not in self.runs:
            self._begin(uid, pod)

    def _begin(self, uid: str, pod: dict[str, Any]) -> None:
        labels, name = pod["metadata"]["labels"], pod["metadata"]["name"]
        target = labels.get("git-dispatcher/target", "")
        number = int(labels.get("git-dispatcher/number", 0))
        job = labels.get("batch.kubernetes.io/job-name", "")
        others = [run for run in self.runs.values() if not run.ended and run.target == target]
        self.runs[uid] = Run(name, job, target, number, time.monotonic())
        self.most_at_once = max(self.most_at_once, len(others) + 1)
        self.overlaps += [f"{name} began while {other.pod} ran" for other in others]
        self.tell(f"Pod {name} runs")

    def _end(self, uid: str) -> None:
        run = self.runs.get(uid)
        if run and not run.ended:
            run.ended = time.monotonic()
            self.tell(f"Pod {run.pod} ended after {run.ended - run.began:.1f} s")


def _events(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in answer.iter_lines():
        if line:
            yield json.loads(line)
