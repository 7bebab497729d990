"""A process's heartbeats: at a bounded rate, whatever its main loop does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from dispatcher import __version__
from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.domain.process import LoadedConfiguration, ProcessKind, ProcessRecord
from dispatcher.heartbeats import EVERY, Heartbeats
from dispatcher.ledger import Processes


@dataclass
class Recorded:
    """In place of the ledger; and the clock."""

    processes: list[ProcessRecord] = field(default_factory=list)
    seconds: float = 100.0
    is_away: bool = False

    def beat(self, process: ProcessRecord) -> None:
        self.processes.append(process)
        if self.is_away:
            raise LedgerUnavailable("gone")

    def clock(self) -> float:
        return self.seconds

    def heartbeats(self, kind: ProcessKind = ProcessKind.WATCHER) -> Heartbeats:
        configuration = LoadedConfiguration(digest="d", age=1)
        return Heartbeats(cast(Processes, self), kind, lambda: configuration, self.clock)


def test_a_busy_loop_makes_one_heartbeat_every_ten_seconds() -> None:
    recorded = Recorded()
    heartbeats = recorded.heartbeats()

    for _ in range(300):  # half a minute of a loop that turns ten times a second
        heartbeats.beat()
        recorded.seconds += 0.1

    assert len(recorded.processes) == 30 / EVERY
    assert [each.up_for // 1000 for each in recorded.processes] == [0, 10, 20]


def test_another_state_is_recorded_at_once() -> None:
    recorded = Recorded()
    heartbeats = recorded.heartbeats()

    for state in ("stands by", "leads", "leads"):
        heartbeats.beat(state)

    assert [each.state for each in recorded.processes] == ["stands by", "leads"]


def test_it_says_who_it_is() -> None:
    recorded = Recorded()

    recorded.heartbeats(ProcessKind.WEB).beat()

    (process,) = recorded.processes
    assert (process.kind, process.version) == (ProcessKind.WEB, __version__)
    assert process.name.startswith(f"{process.host}-{process.pid}-")
    assert process.configuration == LoadedConfiguration(digest="d", age=1)
    assert not process.ended


def test_where_redis_is_away_the_process_goes_on_and_tries_again_later() -> None:
    recorded = Recorded(is_away=True)
    heartbeats = recorded.heartbeats()

    heartbeats.beat()
    heartbeats.beat()
    assert len(recorded.processes) == 1

    recorded.seconds += EVERY
    heartbeats.beat()
    heartbeats.end()
    assert len(recorded.processes) == 3


def test_the_last_one_says_that_the_process_has_ended() -> None:
    recorded = Recorded()
    heartbeats = recorded.heartbeats()

    heartbeats.beat()
    heartbeats.end()

    assert [each.ended for each in recorded.processes] == [False, True]
