"""What heartbeats say about the processes of an installation."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.domain.process import (
    DIFFER_AFTER,
    GONE_AFTER,
    LATE_AFTER,
    Heartbeat,
    Liveness,
    LoadedConfiguration,
    ProcessKind,
    ProcessRecord,
    Roll,
    configuration_health,
    workers_health,
)
from dispatcher.domain.trouble import UNTAKEN_AFTER

NOW = 1_700_000_000_000


def heartbeat(kind: str = "worker", ago: int = 0, **more: Any) -> Heartbeat:
    process = ProcessRecord(name="p", kind=ProcessKind(kind), host="h", pid=1, version="1", **more)
    return Heartbeat(process=process, at=NOW - ago)


def configured(digest: str = "a", age: int = 1, kind: str = "web", **more: Any) -> Heartbeat:
    loaded = LoadedConfiguration(digest=digest, age=age, **more)
    return heartbeat(kind, configuration=loaded)


def roll(*heartbeats: Heartbeat, untaken_for: int = 0) -> Roll:
    since = NOW - untaken_for if untaken_for else 0
    return Roll(now=NOW, heartbeats=heartbeats, untaken_since=since)


@pytest.mark.parametrize(
    ("ago", "ended", "liveness"),
    [
        (0, False, Liveness.ALIVE),
        (LATE_AFTER, False, Liveness.ALIVE),
        (LATE_AFTER + 1, False, Liveness.LATE),
        (GONE_AFTER, False, Liveness.LATE),
        (GONE_AFTER + 1, False, Liveness.GONE),
        (0, True, Liveness.GONE),
    ],
)
def test_a_process_is_late_when_heartbeats_are_missing_and_gone_when_it_ended(
    ago: int, ended: bool, liveness: Liveness
) -> None:
    assert heartbeat(ago=ago, ended=ended).liveness(NOW) is liveness


LATE = LATE_AFTER + 1


@pytest.mark.parametrize(
    ("found", "health"),
    [
        (roll(heartbeat()), "ok"),
        (roll(), "unavailable: no worker is alive; 0 alive, 0 late"),
        (roll(heartbeat("web")), "unavailable: no worker is alive; 0 alive, 0 late"),
        (roll(heartbeat(ago=LATE)), "unavailable: no worker is alive; 0 alive, 1 late"),
        (roll(heartbeat(), heartbeat(ago=LATE)), "degraded: 1 alive, 1 late"),
        (roll(heartbeat(), heartbeat(ended=True)), "ok"),
        (roll(heartbeat(), untaken_for=UNTAKEN_AFTER - 1), "ok"),
        (
            roll(heartbeat(), untaken_for=95_000),
            "unavailable: no worker has taken a target up for 1m35s; 1 alive, 0 late",
        ),
    ],
)
def test_the_health_of_the_workers(found: Roll, health: str) -> None:
    assert workers_health(found) == health


OLD = DIFFER_AFTER + 1


@pytest.mark.parametrize(
    ("heartbeats", "health"),
    [
        ((configured(), configured(kind="watcher"), heartbeat()), "ok"),
        ((configured("a", OLD), configured("b")), "ok"),  # a ConfigMap reaches each at its time
        (
            (configured("a", OLD), configured("b", OLD)),
            "differs: 2 processes have 2 configurations; /api/v1/processes says which process has which",
        ),
        (
            (configured(), configured(kind="watcher", refused_for=1)),
            "refused: watcher; the last good one stays, /api/v1/processes says why",
        ),
        ((configured("a", OLD), heartbeat("web", ended=True)), "ok"),
    ],
)
def test_the_health_of_the_configuration(heartbeats: tuple[Heartbeat, ...], health: str) -> None:
    assert configuration_health(roll(*heartbeats)) == health


def test_a_process_that_is_gone_differs_from_none() -> None:
    loaded = LoadedConfiguration(digest="b", age=OLD)
    gone = heartbeat("web", ago=GONE_AFTER + 1, configuration=loaded)

    assert configuration_health(roll(configured("a", OLD), gone)) == "ok"
