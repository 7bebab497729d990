"""A pause that lasts is said once a day, and no more once it is over."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from dispatcher.ledger import Operations
from tests.model.world import TARGET, World
from workers.watch.pause_reminders import LOOK_EVERY, PauseReminders

DAY = 86_400


class Days:
    """Lets time pass, and looks as the watcher does."""

    def __init__(self, world: World, remind_after: int = DAY) -> None:
        self.world, self.seconds = world, 0.0
        self.reminders = PauseReminders(world.store, remind_after, lambda: self.seconds)

    def said(self, seconds: float) -> list[str]:
        """What is logged while so much time passes, looked at every half minute of the last ten."""
        self.pass_by(seconds - 600)
        with capture_logs() as lines:
            for _ in range(20):
                self.pass_by(30)
                self.reminders.look()
        return [f"{line['event']}: {line['target']} {line['why']}" for line in lines]

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds
        self.world.store.ahead += int(seconds * 1000)


@pytest.fixture
def days(world: World) -> Days:
    return Days(world)


def test_it_is_said_once_a_day(world: World, days: Days) -> None:
    Operations(world.store).pause(TARGET, "ann", "migration")

    assert days.said(DAY - 60) == []
    assert days.said(700) == ["still paused: shop paused for 1d by ann: migration"]
    assert days.said(DAY / 2) == []
    assert days.said(DAY / 2) == ["still paused: shop paused for 2d by ann: migration"]


def test_a_pause_of_everything_is_said_too(world: World, days: Days) -> None:
    Operations(world.store).pause(None, "ann", "")

    assert days.said(DAY + 60) == ["still paused: everything paused for 1d by ann"]


def test_another_pause_has_its_own_day(world: World, days: Days) -> None:
    operations = Operations(world.store)
    operations.pause(TARGET, "ann", "migration")
    assert len(days.said(DAY + 60)) == 1

    operations.resume(TARGET)
    assert days.said(2 * DAY) == []
    operations.pause(TARGET, "bob", "")
    assert days.said(DAY - 120) == []
    assert len(days.said(700)) == 1


def test_a_new_leader_says_what_is_due_and_not_what_is_not(world: World, days: Days) -> None:
    Operations(world.store).pause(TARGET, "ann", "migration")
    days.pass_by(DAY + 60)

    assert len(Days(world).said(600)) == 1


def test_who_wants_none_gets_none(world: World) -> None:
    Operations(world.store).pause(TARGET, "ann", "")

    assert Days(world, remind_after=0).said(9 * DAY) == []


def test_it_looks_once_a_minute(world: World, days: Days) -> None:
    days.reminders.look()
    Operations(world.store).pause(TARGET, "ann", "")
    world.store.ahead += 2 * DAY * 1000

    with capture_logs() as lines:
        days.reminders.look()
        assert lines == []
        days.seconds += LOOK_EVERY
        days.reminders.look()
    assert len(lines) == 1
