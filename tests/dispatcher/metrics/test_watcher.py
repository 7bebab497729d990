"""What a watcher serves of what it follows."""

from __future__ import annotations

from dispatcher.metrics.registry import Registry
from dispatcher.metrics.watcher import WatcherMetrics
from tests.dispatcher.metrics.scrapes import Scrape

JOBS = {"namespace": "deploys", "resource": "jobs"}


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_from_the_first_list_to_a_broken_watch() -> None:
    clock, registry = Clock(), Registry("watcher")
    metrics = WatcherMetrics(registry, clock)
    metrics.followed("deploys", "job")
    followed = Scrape.of(registry)
    metrics.listed("deploys", "job")
    clock.now = 160.0
    metrics.received("deploys", "job")
    listed = Scrape.of(registry)
    metrics.ended("deploys", "job", "failed")
    metrics.lost("deploys", "job")
    lost = Scrape.of(registry)

    assert followed.value("namespace_synced", **JOBS) == 0
    assert listed.value("namespace_synced", **JOBS) == 1
    assert listed.value("watch_last_list_timestamp_seconds", **JOBS) == 100
    assert listed.value("watch_last_event_timestamp_seconds", **JOBS) == 160
    assert lost.value("namespace_synced", **JOBS) == 0
    assert lost.value("watch_restarts_total", **JOBS, reason="failed") == 1


def test_a_namespace_that_is_left_has_no_series() -> None:
    registry = Registry("watcher")
    metrics = WatcherMetrics(registry)
    metrics.listed("deploys", "job")
    metrics.ended("deploys", "job", "expired")

    metrics.left("deploys", "job")
    metrics.left("deploys", "pod")

    assert not [
        labels for _, labels in Scrape.of(registry).samples if ("namespace", "deploys") in labels
    ]


def test_whether_it_leads() -> None:
    registry = Registry("watcher")
    metrics = WatcherMetrics(registry)
    before = Scrape.of(registry).value("leader")
    metrics.leading(True)

    assert (before, Scrape.of(registry).value("leader"), metrics.leads) == (0, 1, True)


def test_how_long_nothing_was_left_of_a_deploy() -> None:
    registry = Registry("watcher")
    WatcherMetrics(registry).cleaned("deploys", 1_500)

    labels = {"namespace": "deploys", "phase": "cleaning"}
    assert Scrape.of(registry).value("deploy_phase_duration_seconds_sum", **labels) == 1.5
