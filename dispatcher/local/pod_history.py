"""When each Pod ran, recorded independently: from the cluster's API alone, by a watch on all Pods.

It shares no code with the product. After an outage of the cluster it continues the watch from the last
resourceVersion; a Pod that was deleted meanwhile counts as ended.
"""

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
PODS = "/api/v1/pods"
AGAIN_SECONDS = 0.1
"""Between two attempts to reach a cluster that does not answer."""


class _TooOld(Exception):  # no error: the Pods are listed again
    """410: the cluster no longer has the changes after our resourceVersion."""


@dataclass
class Run:
    """One Pod's time of running, by this process's clock."""

    pod: str
    job: str
    target: str
    number: int
    began: float
    ended: float = 0.0


@dataclass
class PodHistory:
    """Records when Pods ran. Start it before any runs. Trust `overlaps` only if `trouble` is empty."""

    kubeconfig: Path
    report: Callable[[str], None] = lambda line: None
    """Gets a line for each Pod that begins or ends."""
    runs: dict[str, Run] = field(default_factory=dict)
    most_at_once: int = 0
    overlaps: list[str] = field(default_factory=list)
    trouble: str = ""
    """Why it stopped watching, "" while it watches. Overlaps after that are not recorded."""
    _version: str = ""
    """The resourceVersion up to which it has seen all changes."""
    _stopped: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        threading.Thread(target=self._follow, daemon=True).start()

    def stop(self) -> None:
        """Ends the recording at the cluster's next change or outage, which it does not report."""
        self._stopped.set()

    def _follow(self) -> None:
        while not self._stopped.is_set():
            try:
                with kube_client(self.kubeconfig) as client:
                    self._stay(client)
            except (
                httpx.HTTPError,
                OSError,
                ValueError,
            ):  # also a kubeconfig that is being written
                self._stopped.wait(AGAIN_SECONDS)
            except Exception as error:  # noqa: BLE001  # no caller could catch it
                self.trouble = f"{type(error).__name__}: {error}"
                self.report(f"stopped watching Pods: {self.trouble}")
                return

    def _stay(self, client: httpx.Client) -> None:
        """Watches until the cluster stops answering; raises then."""
        listed = _list(client)
        if not self._version or int(listed["metadata"]["resourceVersion"]) < int(self._version):
            self._begin_anew(listed)
        while not self._stopped.is_set():
            try:
                self._watch(client)
            except _TooOld:
                self._begin_anew(_list(client))

    def _begin_anew(self, listed: dict[str, Any]) -> None:
        there = {pod["metadata"]["uid"] for pod in listed["items"]}
        for uid in set(self.runs) - there:
            self._end(uid)
        for pod in sorted(listed["items"], key=_runs):  # those that have ended first
            self._note("MODIFIED", pod)
        self._version = listed["metadata"]["resourceVersion"]

    def _watch(self, client: httpx.Client) -> None:
        options = {"watch": "true", "resourceVersion": self._version}
        with client.stream("GET", PODS, params=options, timeout=None) as answer:
            if answer.status_code == httpx.codes.GONE:
                raise _TooOld
            answer.raise_for_status()
            for event in _events(answer):
                self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        if event["type"] == "ERROR":
            raise _TooOld
        if event["type"] != "BOOKMARK":
            self._note(event["type"], event["object"])
        self._version = event["object"]["metadata"]["resourceVersion"]

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
        self.report(f"Pod {name} runs")

    def _end(self, uid: str) -> None:
        run = self.runs.get(uid)
        if run and not run.ended:
            run.ended = time.monotonic()
            self.report(f"Pod {run.pod} ended after {run.ended - run.began:.1f} s")


def _list(client: httpx.Client) -> dict[str, Any]:
    answer = client.get(PODS)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _runs(pod: dict[str, Any]) -> bool:
    return bool(pod["status"].get("phase") == "Running")


def _events(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in answer.iter_lines():
        if line:
            yield json.loads(line)
