"""What waits to be written: gathered, bounded, and held for readers that come along."""

from __future__ import annotations

from threading import Condition, Thread

import pytest

from dispatcher.domain.log import LogLine, LogName, LogPart, LogPosition, LogRequest
from tests.waiting import eventually
from workers.logs.outlet import BATCH_LINES, BUFFER_BYTES, SLOW_SECONDS, Outlet

NAME = LogName(target="shop", number=1)
HERE = LogPosition(pod="p", container="work")
BOUND = 1024 * 1024


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outlet(clock: Clock) -> Outlet:
    return Outlet(NAME, Condition(), BOUND, LogPart(), clock)


def lines(count: int, text: str = "x") -> LogPart:
    return LogPart(position=HERE, lines=(LogLine(1, 0, text),) * count)


def heard(outlet: Outlet, reader: str, read: int = 0, *, leaves: bool = False) -> None:
    outlet.heard(LogRequest(log=NAME, reader=reader, read=read, leaves=leaves))


def written(outlet: Outlet, bytes: int = 0) -> list[LogPart]:
    found = []
    while outlet.is_ready():
        found.append(outlet.next())
        outlet.wrote(bytes)
    return found


def test_lines_of_a_container_are_gathered(outlet: Outlet) -> None:
    for _ in range(3):
        outlet.put(lines(BATCH_LINES // 2))
    outlet.put(LogPart(position=HERE, waits="for something"))
    outlet.put(lines(1))

    parts = written(outlet)

    assert [len(part.lines) for part in parts] == [BATCH_LINES, BATCH_LINES // 2, 0, 1]


def test_what_is_being_written_stays_as_it_is(outlet: Outlet) -> None:
    outlet.put(lines(1))
    sent = outlet.next()
    outlet.put(lines(1))

    assert outlet.next() == sent
    assert [len(part.lines) for part in written(outlet)] == [1, 1]


def test_a_relay_waits_for_the_writer(outlet: Outlet) -> None:
    outlet.put(lines(1, "x" * BUFFER_BYTES))
    blocked = Thread(target=lambda: outlet.put(lines(1)), daemon=True)
    blocked.start()
    assert blocked.is_alive()

    with outlet._condition:
        written(outlet)
        outlet._condition.notify_all()

    assert eventually(lambda: not blocked.is_alive())


def test_a_slow_reader_is_waited_for_while_it_is_heard_of(outlet: Outlet, clock: Clock) -> None:
    heard(outlet, "slow")
    heard(outlet, "fast", BOUND)
    written(outlet, BOUND)
    outlet.put(lines(1))
    assert not outlet.is_ready()
    assert outlet.is_held

    heard(outlet, "slow", BOUND // 2)
    assert outlet.is_ready()
    heard(outlet, "slow", 0)
    clock.now += SLOW_SECONDS
    assert outlet.is_ready()


def test_a_new_reader_is_greeted_with_how_far_the_log_is(outlet: Outlet) -> None:
    heard(outlet, "one")
    outlet.put(LogPart(position=HERE, current=True))
    heard(outlet, "two")
    heard(outlet, "one")

    greeted = [(part.greets, part.position.pod, part.current) for part in written(outlet)]

    assert greeted == [("one", "", False), ("", "p", True), ("two", "p", True)]


def test_readers_that_have_gone_are_forgotten(outlet: Outlet, clock: Clock) -> None:
    heard(outlet, "one")
    clock.now += 5
    assert outlet.silent_for() == 5
    heard(outlet, "one", leaves=True)
    assert outlet.silent_for() == float("inf")
