"""How long a deploy spent in each phase."""

from __future__ import annotations

from dispatcher.domain.deploy import State
from dispatcher.domain.event import Event, EventKind
from dispatcher.domain.phases import Phases, phases_of

CREATED = Event(kind=EventKind.CREATED, at=100, state=State.PENDING)


def came(at: int, state: State) -> Event:
    return Event(kind=EventKind.STATE, at=at, state=state)


def test_each_phase_lasts_until_the_next() -> None:
    timeline = [
        CREATED,
        Event(kind=EventKind.COALESCED, at=150, state=State.PENDING),
        came(200, State.STARTING),
        Event(kind=EventKind.CAUSE, at=250, state=State.STARTING),
        came(400, State.RUNNING),
        came(900, State.SUCCEEDED),
        Event(kind=EventKind.CLEANED, at=950, state=State.SUCCEEDED),
    ]

    found = phases_of(timeline, 5_000, has_job=False)

    assert found == Phases(waiting=100, starting=200, running=500, cleaning=50)


def test_the_present_phase_lasts_until_now() -> None:
    assert phases_of([CREATED], 350, has_job=False) == Phases(waiting=250)


def test_attempts_are_added_up() -> None:
    timeline = [
        CREATED,
        came(110, State.STARTING),
        came(140, State.PENDING),
        came(240, State.STARTING),
        came(260, State.RUNNING),
    ]

    found = phases_of(timeline, 300, has_job=True)

    assert found == Phases(waiting=110, starting=50, running=40)


def test_what_ended_is_cleaned_up_as_long_as_its_job_is_there() -> None:
    timeline = [CREATED, came(110, State.STARTING), came(140, State.SUPERSEDED)]

    assert phases_of(timeline, 200, has_job=True).cleaning == 60
    assert phases_of(timeline, 200, has_job=False).cleaning is None


def test_an_empty_timeline_says_nothing() -> None:
    assert phases_of([], 1, has_job=True) == Phases()


def test_a_failed_deploy_is_kept_and_not_cleaned_up() -> None:
    timeline = [CREATED, came(110, State.STARTING), came(140, State.FAILED)]
    cleared = Event(kind=EventKind.CLEANED, at=900, state=State.FAILED)

    assert phases_of(timeline, 200, has_job=True).cleaning is None
    assert phases_of([*timeline, cleared], 1_000, has_job=False).cleaning is None
