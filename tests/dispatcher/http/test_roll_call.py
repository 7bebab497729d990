"""Web logs once that workers are missing or a configuration is refused, and once that it is over."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest
from structlog.testing import capture_logs

from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.domain.process import (
    LATE_AFTER,
    Heartbeat,
    LoadedConfiguration,
    ProcessKind,
    ProcessRecord,
    Roll,
)
from dispatcher.heartbeats import Heartbeats
from dispatcher.http.roll_call import RollCall
from dispatcher.ledger import Processes

NOW = 1_700_000_000_000


@dataclass
class Installation:
    """The ledger, as far as a roll call reads it; and the clock."""

    roll_: Roll = field(default_factory=lambda: Roll(now=NOW))
    seconds: float = 0.0
    is_away: bool = False
    beats: int = 0

    def beat(self, _: ProcessRecord) -> None:
        self.beats += 1

    def roll(self) -> Roll:
        if self.is_away:
            raise LedgerUnavailable("gone")
        return self.roll_

    def clock(self) -> float:
        return self.seconds

    def call(self) -> RollCall:
        processes = cast(Processes, self)
        heartbeats = Heartbeats(processes, ProcessKind.WEB, clock=self.clock)
        return RollCall(processes, heartbeats, self.clock)


def roll(workers: int = 1, untaken_for: int = 0, refused_for: int = 0) -> Roll:
    loaded = LoadedConfiguration(digest="d", age=1, refused_for=refused_for)
    kinds = [ProcessKind.WEB, *[ProcessKind.WORKER] * workers]
    return Roll(
        now=NOW,
        heartbeats=tuple(
            Heartbeat(
                process=ProcessRecord(
                    name="p", kind=kind, host="h", pid=1, version="1", configuration=loaded
                ),
                at=NOW,
            )
            for kind in kinds
        ),
        untaken_since=NOW - untaken_for if untaken_for else 0,
    )


def said(installation: Installation, call: RollCall, *rolls: Roll) -> list[str]:
    """What is logged while the roll is such, one call after the other."""
    with capture_logs() as lines:
        for each in rolls:
            installation.roll_ = each
            installation.seconds += 10
            call.call()
    return [f"{line['log_level']} {line['event']}" for line in lines]


@pytest.fixture
def installation() -> Installation:
    return Installation()


@pytest.fixture
def call(installation: Installation) -> RollCall:
    """One that has run for a while."""
    made = installation.call()
    installation.seconds += LATE_AFTER / 1000
    return made


def test_that_no_worker_takes_anything_is_said_once_and_that_it_is_over_once(
    installation: Installation, call: RollCall
) -> None:
    hung = [roll(untaken_for=20_000), roll(untaken_for=30_000), roll(untaken_for=40_000)]

    assert said(installation, call, roll(), *hung, roll(), roll()) == [
        "warning workers: unavailable: no worker has taken a target up for 20s; 1 alive, 0 late",
        "info workers: ok",
    ]


def test_a_refused_configuration_too(installation: Installation, call: RollCall) -> None:
    assert said(installation, call, roll(), roll(refused_for=1), roll(refused_for=2), roll()) == [
        "warning configuration: refused: web, worker; the last good one stays,"
        " /api/v1/processes says why",
        "info configuration: ok",
    ]


def test_processes_that_start_together_are_waited_for(installation: Installation) -> None:
    call = installation.call()

    assert said(installation, call, roll(workers=0), roll(workers=0), roll()) == []


def test_without_redis_nothing_is_said(installation: Installation, call: RollCall) -> None:
    installation.is_away = True

    assert said(installation, call, roll(workers=0)) == []


def test_most_rounds_only_look_at_the_clock(installation: Installation) -> None:
    call = installation.call()

    async def half_a_minute() -> None:
        for _ in range(30):
            await call.look()
            installation.seconds += 1
        await call.end()

    asyncio.run(half_a_minute())

    assert installation.beats == 3 + 1
