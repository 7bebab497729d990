"""docs/metrics.md, the definitions and the registries of the processes say the same."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest

from dispatcher.app import create_app
from dispatcher.config import load
from dispatcher.config.reloading import Reloader
from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import State
from dispatcher.domain.event import EventKind
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.repairs import Kind
from dispatcher.http.webhooks.observer import DeliveryOutcome
from dispatcher.ledger import Keys
from dispatcher.metrics.definitions import BY_NAME, DEFINITIONS, MetricKind, Process
from dispatcher.metrics.leader import LeaderMetrics
from dispatcher.metrics.registry import Registry
from dispatcher.metrics.watcher import WatcherMetrics
from dispatcher.metrics.worker import WorkerMetrics
from tests.dispatcher.http.web import Web
from workers import wiring

PAGE = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text()
LISTED = re.compile(
    r"^- `(git_dispatcher_\w+)` \((\w+); ([a-z, ]+?)(?:; ([^)]+))?\):((?:.|\n  )+)", re.MULTILINE
)
LABELS = {
    "version",
    "process",
    "error",
    "hook",
    "event",
    "outcome",
    "reason",
    "phase",
    "namespace",
    "target",
    "state",
    "cause",
    "verb",
    "resource",
    "code",
    "kind",
    "liveness",
}
"""Names of the configuration, and closed lists: nothing that a push says."""


def test_the_page_lists_the_definitions() -> None:
    order = [str(each) for each in Process]
    found = [
        (name, kind, processes, re.findall(r"`(\w+)`", labels))
        for name, kind, processes, labels, _ in LISTED.findall(PAGE)
    ]
    expected = [
        (
            each.name,
            each.kind,
            ", ".join(sorted(map(str, each.processes), key=order.index)),
            list(each.labels),
        )
        for each in DEFINITIONS
    ]

    assert found == expected


@pytest.mark.parametrize("words", [State, CauseKind, EventKind, Outcome, Kind, DeliveryOutcome])
def test_the_page_lists_what_labels_can_be(words: type[StrEnum]) -> None:
    """Of kinds of events, those that are counted: others are in `state`, or of no deploy."""
    uncounted = (
        {"state", "trouble", "recovered", "paused", "resumed"} if words is EventKind else set()
    )
    values = {str(each) for each in words} - uncounted
    listed = re.findall(r"^- (?:.+\n)(?:  .+\n)*", PAGE, re.MULTILINE)
    spans = [set(re.findall(r"`([a-z-]+)`", each)) for each in listed]

    assert any(values <= each for each in spans)


def test_names_follow_the_conventions_of_prometheus() -> None:
    for each in DEFINITIONS:
        last = each.name.rpartition("_")[2]
        assert (each.kind is MetricKind.COUNTER) == (last == "total"), each.name
        if each.kind is MetricKind.HISTOGRAM:
            assert last == "seconds", each.name


def test_labels_are_names_of_the_configuration_or_closed_lists() -> None:
    assert {label for each in DEFINITIONS for label in each.labels} == LABELS


def test_each_process_serves_what_is_defined_for_it(
    tmp_path: Path, redis_url: str, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: dict[str, Registry] = {}

    class Noted(Registry):
        def __init__(self, process: str) -> None:
            super().__init__(process)
            made[process] = self

    monkeypatch.setattr("dispatcher.app.Registry", Noted)
    monkeypatch.setattr("workers.wiring.os.environ", {})
    environ = Web(tmp_path, redis_url, keys).environ
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    settings = load(environ | {"KUBECONFIG": str(kubeconfig)}).environment
    source = Reloader(settings.config, environ)
    create_app(settings, source)
    worker = WorkerMetrics(Noted("worker"))
    wiring.reconciler(settings, worker)
    wiring.serve_metrics(settings, worker.registry)
    watcher = WatcherMetrics(Noted("watcher"))
    wiring.watcher(settings, source, watcher, lambda state: None)
    wiring.serve_metrics(settings, watcher.registry)

    assert made["web"].names == names(Process.WEB)
    assert made["worker"].names == names(Process.WORKER)
    assert made["watcher"].names == names(Process.WATCHER) | names(Process.LEADER)


def names(process: Process) -> set[str]:
    return {name for name, each in BY_NAME.items() if process in each.processes}


KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
"""


def test_the_leader_reads_all_that_is_the_leaders_and_not_its_own() -> None:
    registry = Registry("watcher")
    before = set(registry.names)
    LeaderMetrics.add_to(LeaderMetrics.__new__(LeaderMetrics), registry)

    own = {name for name in names(Process.LEADER) if name not in registry.names}
    assert before <= names(Process.WATCHER)
    assert {name.removeprefix("git_dispatcher_") for name in own} == {
        "deploy_phase_duration_seconds",
        "namespace_synced",
        "watch_restarts_total",
        "watch_last_event_timestamp_seconds",
        "watch_last_list_timestamp_seconds",
    }
