"""What a receiver gets, and when: a real ledger, a real HTTP receiver."""

from __future__ import annotations

import threading
from collections.abc import Callable
from io import StringIO

import pytest

from dispatcher.domain.event import EventKind
from dispatcher.domain.notification import Message
from dispatcher.ledger import Store
from tests.dispatcher.ledger.helpers import push, submit
from tests.workers.notify.conftest import Benches
from tests.workers.notify.helpers import KEY, NAME, OLD_KEY, Bench, webhook
from tests.workers.notify.receiver import HttpReceiver, Reply

PAUSED, RESUMED = EventKind.PAUSED, EventKind.RESUMED


def types(receiver: HttpReceiver) -> list[str]:
    prefix = "dev.git-dispatcher."
    return [each.json["type"].removeprefix(prefix) for each in receiver.received]


def test_a_change_arrives_as_a_signed_cloud_event_with_the_deploy(
    store: Store, bench_for: Benches
) -> None:
    with HttpReceiver() as receiver:
        bench = bench_for(webhook(f"{receiver.url}/events?of=shop"))
        submit(store, push("0", "a"))

        bench.rounds()

    (received,) = receiver.received
    assert received.path == "/events?of=shop"
    assert received.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    body = received.json
    assert body["specversion"] == "1.0"
    assert (body["type"], body["subject"]) == ("dev.git-dispatcher.deploy.created", "shop/1")
    assert body["source"] == "/git-dispatcher/test"
    assert body["id"] == body["data"]["event"]["id"] == received.id
    assert body["time"] == body["data"]["event"]["at"]
    assert body["data"]["deploy"]["deploy"] == body["data"]["event"]["deploy"] == "shop/1"
    assert body["data"]["deploy"]["state"] == "pending"
    assert received.signed_by(KEY) == 0
    assert received.signed_by(OLD_KEY) == 0
    assert received.signed_by(b"whsec_" + b"A" * 44) != 0


def test_a_new_receiver_is_sent_what_happens_from_then_on(store: Store, bench_for: Benches) -> None:
    submit(store, push("0", "a"))
    with HttpReceiver() as receiver:
        bench = bench_for(webhook(receiver.url))
        bench.happens(PAUSED)

        bench.rounds(2)

    assert types(receiver) == ["target.paused"]


def test_it_is_sent_what_it_wants_only(bench_for: Benches) -> None:
    with HttpReceiver() as receiver:
        chosen = webhook(receiver.url, events=("paused",), targets=("shop*", "!shop-x"))
        bench = bench_for(chosen)
        for target in ("shop", "docs", "shop-x", "shop-y", ""):
            bench.happens(PAUSED, target)
            bench.happens(RESUMED, target)

        bench.rounds()

    subjects = [each.json.get("subject") for each in receiver.received]
    assert subjects == ["shop", "shop-y", None]
    assert bench.ledger.waits_since(bench.state.cursor) == 0


def test_what_fails_for_now_is_sent_again_with_the_same_id_and_in_order(bench_for: Benches) -> None:
    with HttpReceiver(500, 503) as receiver:
        bench = bench_for(webhook(receiver.url))
        bench.happens(PAUSED)
        bench.happens(RESUMED)

        bench.rounds()
        failed = bench.state
        bench.rounds(3)

    assert (failed.error, failed.attempts, failed.sent) == ("answered 500", 1, 0)
    assert types(receiver) == ["target.paused"] * 3 + ["target.resumed"]
    assert len({each.id for each in receiver.received[:3]}) == 1
    assert len({each.body for each in receiver.received[:3]}) == 1
    assert bench.clock.waited == [1.0, 2.0]
    assert (bench.state.error, bench.state.sent) == ("", 2)
    assert bench.ledger.dead_letters("", 10) == []


def test_pauses_double_up_to_a_bound(bench_for: Benches) -> None:
    with HttpReceiver(*[500] * 6) as receiver:
        bench = bench_for(webhook(receiver.url, longest_pause=5))
        bench.happens(PAUSED)

        bench.rounds(7)

    assert bench.clock.waited == [1.0, 2.0, 4.0, 5.0, 5.0, 5.0]
    assert len(receiver.received) == 7


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_asks_to_be_left_alone_is(bench_for: Benches, status: int) -> None:
    with HttpReceiver(Reply(status, {"Retry-After": "4"})) as receiver:
        bench = bench_for(webhook(receiver.url))
        bench.happens(PAUSED)

        bench.rounds()
        assert len(receiver.received) == 1
        bench.rounds()

    assert bench.clock.waited == [4.0]
    assert len(receiver.received) == 2


def test_a_receiver_that_hangs_is_tried_again(bench_for: Benches) -> None:
    release = threading.Event()
    with HttpReceiver(Reply(before=release.wait)) as receiver:
        bench = bench_for(webhook(receiver.url))
        bench.happens(PAUSED)

        bench.rounds()
        error = bench.state.error
        release.set()
        bench.rounds(2)

    assert error == "no answer within 1 s"
    assert len(receiver.received) == 2


def test_a_receiver_that_is_not_there_is_tried_again(bench_for: Benches) -> None:
    with HttpReceiver() as gone:
        pass
    bench = bench_for(webhook(gone.url))
    bench.happens(PAUSED)

    bench.rounds()

    assert "refused" in bench.state.error
    assert bench.ledger.dead_letters("", 10) == []


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (410, "answered 410: it is gone for good"),
        (400, "answered 400"),
        (401, "answered 401"),
    ],
)
def test_a_definite_no_is_a_dead_letter_at_once(
    bench_for: Benches, reply: int, reason: str
) -> None:
    with HttpReceiver(reply) as receiver:
        bench = bench_for(webhook(receiver.url))
        bench.happens(PAUSED)
        bench.happens(RESUMED)

        bench.rounds()

    ((_, letter),) = bench.ledger.dead_letters("", 10)
    assert types(receiver) == ["target.paused", "target.resumed"]
    assert (letter.receiver, letter.reason, letter.attempts) == (NAME, reason, 1)
    assert (letter.message.name, letter.message.subject) == ("paused", "shop")


def test_a_redirect_is_not_followed(bench_for: Benches) -> None:
    with HttpReceiver() as elsewhere, HttpReceiver(Reply(307, {"Location": elsewhere.url})) as at:
        bench = bench_for(webhook(at.url))
        bench.happens(PAUSED)

        bench.rounds()

    assert elsewhere.received == []
    ((_, letter),) = bench.ledger.dead_letters("", 10)
    assert letter.reason.startswith("answered 307: redirects are not followed")


def test_what_is_too_old_is_given_up_when_an_attempt_fails(bench_for: Benches) -> None:
    with HttpReceiver(500, 500) as receiver:
        bench = bench_for(webhook(receiver.url, give_up_after=60))
        bench.happens(PAUSED)
        bench.happens(RESUMED)
        bench.rounds()
        bench.clock.pass_by(3600)
        bench.happens(PAUSED, "docs")

        bench.rounds()
        letters = [letter.message.subject for _, letter in bench.ledger.dead_letters("", 10)]
        assert len(receiver.received) == 2
        bench.rounds(2)

    assert letters == ["shop", "shop"]
    assert [each.json["subject"] for each in receiver.received] == ["shop", "shop", "docs"]


def test_what_is_old_is_tried_once_after_a_watcher_was_away(bench_for: Benches) -> None:
    with HttpReceiver() as receiver:
        bench = bench_for(webhook(receiver.url, give_up_after=60))
        bench.happens(PAUSED)
        bench.clock.pass_by(86400)

        bench.rounds()

    assert types(receiver) == ["target.paused"]


def test_a_gap_is_said_once(store: Store, bench_for: Benches) -> None:
    with HttpReceiver(500) as receiver:
        bench = bench_for(webhook(receiver.url))
        bench.happens(PAUSED)
        bench.rounds()
        for _ in range(5):
            bench.happens(PAUSED, "docs")
        store.client.xtrim(store.keys.events, maxlen=2, approximate=False)

        bench.courier = bench.another()
        bench.rounds(3)

    assert types(receiver)[1:] == ["gap", "target.paused", "target.paused"]
    assert "was dropped before it could be sent" in bench.state.gap
    assert receiver.received[1].json["data"]["why"] == bench.state.gap


def test_a_watcher_that_takes_over_goes_on_where_the_other_was(bench_for: Benches) -> None:
    with HttpReceiver() as receiver:
        bench = bench_for(webhook(receiver.url))
        bench.happens(PAUSED)
        bench.rounds()
        bench.happens(RESUMED)

        bench.courier = bench.another()
        bench.rounds()

    assert types(receiver) == ["target.paused", "target.resumed"]


def test_no_log_and_no_state_holds_the_path_of_the_url(
    bench_for: Benches, log: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    with HttpReceiver(401, 500) as receiver:
        bench = bench_for(webhook(f"{receiver.url}/a-token"))
        bench.happens(PAUSED)
        bench.happens(RESUMED)
        bench.rounds(2)

    assert receiver.received[0].path == "/a-token"
    assert "a-token" not in log.getvalue() + capsys.readouterr().out + str(bench.state)


def test_a_courier_that_was_replaced_while_it_sent_stores_nothing(bench_for: Benches) -> None:
    with HttpReceiver() as receiver:
        bench = bench_for(webhook(receiver.url))
        former, newer = bench.courier, bench.another()

        def replaced() -> None:
            former.stop()
            bench.happens(RESUMED)
            newer.round()

        receiver.replies.append(Reply(before=replaced))
        bench.happens(PAUSED)
        former.round()

    assert bench.state.sent == 2
    assert bench.ledger.waits_since(bench.state.cursor) == 0


def test_an_event_that_cannot_be_read_holds_nothing_up(
    store: Store, bench_for: Benches, capsys: pytest.CaptureFixture[str]
) -> None:
    with HttpReceiver() as receiver:
        bench = bench_for(webhook(receiver.url))
        fields = {"target": "shop", "number": 0, "ref": "", "commit": "", "event": "{}"}
        store.client.xadd(store.keys.events, fields)  # type: ignore[arg-type]
        bench.happens(PAUSED)

        bench.rounds()

    assert types(receiver) == ["target.paused"]
    assert "event cannot be read" in capsys.readouterr().out


# What people ask for


def requested(bench: Bench, make: Callable[[], Message]) -> Message:
    message = make()
    bench.ledger.request(NAME, message, f"for {message.id}")
    return message


def a_test(id: str = "test-1") -> Message:
    return Message(id=id, name="test", at=1, text='{"a": "test"}')


def test_a_test_is_sent_at_once_also_in_a_pause(bench_for: Benches) -> None:
    with HttpReceiver(500) as receiver:
        bench = bench_for(webhook(receiver.url))
        bench.happens(PAUSED)
        bench.rounds()
        requested(bench, a_test)

        bench.rounds()

    assert receiver.received[1].id == "test-1"
    assert (bench.state.request, bench.state.outcome) == ("for test-1", "sent")
    assert types_of_rest(receiver) == ["dev.git-dispatcher.target.paused"]


def types_of_rest(receiver: HttpReceiver) -> list[str]:
    """The receiver is back: what had failed comes at once."""
    return [each.json["type"] for each in receiver.received[2:]]


def test_the_outcome_of_a_test_that_fails_is_shown_and_it_is_no_dead_letter(
    bench_for: Benches,
) -> None:
    with HttpReceiver(401) as receiver:
        bench = bench_for(webhook(receiver.url))
        requested(bench, a_test)

        bench.rounds()

    assert bench.state.outcome == "not taken: answered 401"
    assert bench.ledger.dead_letters("", 10) == []


def test_a_dead_letter_is_sent_again_as_it_was(bench_for: Benches) -> None:
    with HttpReceiver(401, 401) as receiver:
        bench = bench_for(webhook(receiver.url))
        bench.happens(PAUSED)
        bench.rounds()
        for _ in range(2):
            ((id, letter),) = bench.ledger.dead_letters("", 10)
            bench.ledger.resend(id, letter, "again")
            bench.rounds()

    assert bench.ledger.dead_letters("", 10) == []
    assert len({(each.id, each.body) for each in receiver.received}) == 1
    assert len(receiver.received) == 3
    assert bench.state.outcome == "sent"
