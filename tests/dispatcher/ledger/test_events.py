"""What happened: the stream of events, a deploy's timeline, the counts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dispatcher.domain.deploy import State
from dispatcher.domain.event import EventKind
from dispatcher.domain.snapshot import Snapshot
from dispatcher.ledger import Events, Operations, Retention, Store, Targets
from dispatcher.ledger.events import BEGINNING
from dispatcher.ledger.retention import Happened
from tests.dispatcher.ledger.helpers import push, sha, submit


@pytest.fixture
def events(store: Store) -> Events:
    return Events(store)


def record(store: Store, trouble: str = "", **changes: Any) -> None:
    """A worker takes the target, writes its one deploy and what holds it up, and lets it go."""
    targets = Targets(store)
    seen = targets.acquire("shop", "worker")
    assert isinstance(seen, Snapshot)
    deploys = [msgspec.structs.replace(seen.deploys[0], **changes)] if changes else []
    targets.record(seen, "worker", deploys=deploys, trouble=trouble, release=True)


def kinds(events: Events, number: int = 1) -> list[tuple[EventKind, State | None]]:
    return [(each.kind, each.state) for each in events.timeline("shop", number)]


def test_a_push_creates_a_deploy_and_the_next_one_is_merged_into_it(
    store: Store, events: Events
) -> None:
    submit(store, push("0", "a"), "one")
    submit(store, push("a", "b"), "two")

    created, coalesced = events.timeline("shop", 1)

    assert (created.kind, created.state, created.by) == (EventKind.CREATED, State.PENDING, "ann")
    assert (created.commit, created.delivery) == (sha("a"), "one")
    assert (coalesced.kind, coalesced.commit, coalesced.delivery) == (
        EventKind.COALESCED,
        sha("b"),
        "two",
    )


def test_what_deploys_nothing_is_no_event(store: Store, events: Events) -> None:
    submit(store, push("0", "a"), "one")
    submit(store, push("0", "a"), "one")
    submit(store, push("0", "b", ref="refs/heads/other"), filtered="[skip ci]")

    assert len(events.after(BEGINNING, 10)) == 1


def test_the_stream_goes_on_where_its_reader_was(store: Store, events: Events) -> None:
    submit(store, push("0", "a"))
    (first,) = events.after(BEGINNING, 10)
    submit(store, push("a", "b"))
    Operations(store).pause("shop", "ann", "a migration")

    second, third = events.after(first.id, 10)

    assert (first.target, first.number, first.commit) == ("shop", 1, sha("a"))
    assert (second.event.kind, second.ref) == (EventKind.COALESCED, "refs/heads/main")
    assert (third.target, third.number, third.event.kind) == ("shop", 0, EventKind.PAUSED)
    assert (third.event.by, third.event.why) == ("ann", "a migration")
    assert events.after(third.id, 10, block=1) == []
    assert events.newest() == third.id
    assert [each.id for each in events.before(third.id, 10)] == [second.id, first.id]
    assert events.oldest() == first.id


def test_what_a_worker_records_is_noted_once(store: Store, events: Events) -> None:
    submit(store, push("0", "a"))

    record(store, state=State.STARTING, attempt=1, token="t", job="shop-1")
    record(store, uid="u")
    record(store, state=State.FAILED, why="exit 2", exit_code=2)

    assert kinds(events) == [
        (EventKind.CREATED, State.PENDING),
        (EventKind.STATE, State.STARTING),
        (EventKind.STATE, State.FAILED),
    ]
    last = events.timeline("shop", 1)[-1]
    assert (last.was, last.why, last.exit_code, last.job) == (
        State.STARTING,
        "exit 2",
        2,
        "shop-1",
    )


def test_a_cancelled_deploy_says_who_cancelled_it(store: Store, events: Events) -> None:
    submit(store, push("0", "a"))

    Operations(store).cancel("shop", 1, "bob", "wrong branch")

    ended = events.timeline("shop", 1)[-1]
    assert (ended.state, ended.was, ended.by) == (State.CANCELLED, State.PENDING, "bob")
    assert ended.why == "cancelled by bob: wrong branch"


def test_what_holds_a_target_up_is_an_event_when_it_changes(store: Store, events: Events) -> None:
    submit(store, push("0", "a"))
    for trouble in ("no quota", "no quota", ""):
        record(store, trouble)

    found = [(e.event.kind, e.event.why) for e in events.after(BEGINNING, 10) if not e.number]

    assert found == [(EventKind.TROUBLE, "no quota"), (EventKind.RECOVERED, "")]


def test_a_long_timeline_keeps_its_beginning_and_its_end(store: Store, events: Events) -> None:
    store.retention = Retention(happened=Happened(events=10, lines=6))
    for number in range(12):
        submit(store, push(f"c{number}", f"c{number + 1}"))

    commits = [each.commit for each in events.timeline("shop", 1)]

    assert commits == [sha(f"c{number}") for number in (1, 2, 3, 10, 11, 12)]


def test_counts_are_by_target_and_what_happened(store: Store, events: Events) -> None:
    submit(store, push("0", "a"))
    submit(store, push("a", "b"))
    submit(store, push("0", "a"), target="api")
    Operations(store).cancel("shop", 1, "bob", "")

    assert events.counts() == {
        ("shop", "created"): 1,
        ("shop", "coalesced"): 1,
        ("api", "created"): 1,
        ("shop", "cancelled"): 1,
    }
