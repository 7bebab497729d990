"""How far receivers are, dead letters and requests, in a real Redis."""

from __future__ import annotations

import pytest

from dispatcher.domain.errors import LeadershipLost
from dispatcher.domain.event import Event, EventKind
from dispatcher.domain.notification import DeadLetter, Message, ReceiverState
from dispatcher.ledger import Leadership, Notifications, Retention, Store
from dispatcher.ledger.events import entry

NAME = "ops"


def happens(store: Store, count: int = 1) -> None:
    for _ in range(count):
        store.write(entry(store, "shop", Event(kind=EventKind.PAUSED, at=1)))


def message(id: str = "1-0") -> Message:
    return Message(id=id, name="paused", target="shop", at=1, text="{}")


def letter(id: str = "1-0") -> DeadLetter:
    return DeadLetter(receiver=NAME, at=2, reason="no", attempts=3, message=message(id))


def test_a_new_receiver_begins_behind_what_has_happened(store: Store) -> None:
    happens(store, 3)
    ledger = Notifications(store)
    cursor = ledger.state(NAME).cursor
    happens(store)

    mail = ledger.wait(NAME, cursor, 10, 0)

    assert [each.id for each in mail.events] == [mail.last]
    assert ledger.state(NAME).cursor == cursor
    assert ledger.waits_since(cursor) > 0
    assert ledger.waits_since(mail.last) == 0


def test_requests_come_with_events_and_alone(store: Store) -> None:
    ledger = Notifications(store)
    cursor = ledger.state(NAME).cursor
    happens(store)
    ledger.request(NAME, message(), "r")
    ledger.request("other", message(), "r")

    assert len(ledger.wait(NAME, cursor, 10, 0).events) == 1
    (wanted,) = ledger.wait(NAME, "", 10, 0).requests
    assert (wanted.id, wanted.message) == ("r", message())
    ledger.save(NAME, ReceiverState(cursor=cursor), done=wanted.entry)
    assert ledger.wait(NAME, "", 10, 0).requests == ()


def test_a_gap_is_found_once_events_were_dropped(store: Store) -> None:
    ledger = Notifications(store)
    beginning = ledger.state(NAME).cursor
    happens(store, 5)
    assert ledger.gap(beginning) == ""
    first = ledger.wait(NAME, beginning, 1, 0).last

    store.client.xtrim(store.keys.events, maxlen=3, approximate=False)

    left = ledger.gap(beginning)
    assert left == ledger.gap(first) != ""
    assert ledger.gap(left) == ""


def test_dead_letters_are_bounded_and_sent_again_once(store: Store) -> None:
    store.retention = Retention(dead_letters=10)
    ledger = Notifications(store)
    for number in range(300):
        ledger.save(NAME, ReceiverState(cursor="0-0"), given_up=letter(f"{number}-0"))
    kept = ledger.dead_letters("", 1000)
    id, newest = kept[0]

    ledger.resend(id, newest, "r")

    assert len(kept) <= 10 + 100
    assert newest.message.id == "299-0"
    assert ledger.dead_letter(id) is None
    assert [each.message.id for each in ledger.wait(NAME, "", 10, 0).requests] == ["299-0"]


def test_a_receiver_that_is_forgotten_begins_anew(store: Store) -> None:
    ledger = Notifications(store)
    ledger.save(NAME, ReceiverState(cursor="1-0", sent=5), given_up=letter())
    ledger.request(NAME, message(), "r")
    happens(store)

    ledger.forget([NAME])

    assert ledger.state(NAME).sent == 0
    assert ledger.state(NAME).cursor != "1-0"
    assert ledger.wait(NAME, "", 10, 0).requests == ()
    assert len(ledger.dead_letters("", 10)) == 1


def test_what_another_version_wrote_holds_nothing_up(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Notifications(store)
    store.client.hset(store.keys.receivers, NAME, '{"no": "cursor"}')
    store.client.xadd(store.keys.requested(NAME), {"m": "{}"})

    assert ledger.states() == {}
    assert ledger.state(NAME) == ReceiverState(cursor="0-0")
    assert ledger.wait(NAME, "", 10, 0).requests == ()
    assert store.client.xlen(store.keys.requested(NAME)) == 0
    assert "cannot be read" in capsys.readouterr().out


def test_only_the_leader_stores_how_far_a_receiver_is(store: Store) -> None:
    leadership = Leadership(store, "first")
    leadership.acquire()
    ledger = Notifications(store.fenced("first", renewing=False))
    state = ledger.state(NAME)
    leadership.release()

    with pytest.raises(LeadershipLost):
        ledger.save(NAME, state)
