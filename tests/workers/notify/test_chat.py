"""Words for people, through apprise to a real HTTP receiver."""

from __future__ import annotations

from io import StringIO

import pytest

from dispatcher.config import Chat
from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import State
from dispatcher.domain.event import Event, EventKind
from dispatcher.domain.secret import Secret
from dispatcher.ledger.codec import encode
from tests.workers.notify.conftest import Benches
from tests.workers.notify.helpers import Bench, chat
from tests.workers.notify.receiver import HttpReceiver

COMMIT = "3f2a9c1e" + "0" * 32


def ends(bench: Bench, number: int, state: State, why: str = "", target: str = "shop") -> None:
    """A deploy comes to its end."""
    cause = CauseKind.SCRIPT if state is State.FAILED else None
    at = bench.store.now() + bench.clock.ahead
    event = Event(kind=EventKind.STATE, at=at, state=state, why=why, cause=cause, by="ann")
    fields = {"target": target, "number": number, "ref": "refs/heads/main", "commit": COMMIT}
    bench.store.client.xadd(bench.store.keys.events, {**fields, "event": encode(event)})  # type: ignore[dict-item]


def fails(bench: Bench, number: int, why: str = "script exited with 2") -> None:
    ends(bench, number, State.FAILED, why)


def said(receiver: HttpReceiver) -> list[str]:
    return [each.json["message"] for each in receiver.received]


def test_a_failure_and_the_recovery_from_it_are_said_in_words(bench_for: Benches) -> None:
    with HttpReceiver() as receiver:
        bench = bench_for(chat(receiver.url))
        ends(bench, 41, State.SUCCEEDED)
        fails(bench, 42)
        ends(bench, 43, State.SUPERSEDED)
        ends(bench, 45, State.SUCCEEDED)
        ends(bench, 46, State.SUCCEEDED)

        bench.rounds()

    assert said(receiver) == [
        "shop/42 failed: script exited with 2 (commit 3f2a9c1e by ann). "
        "git-dispatcher show shop/42",
        "shop is deployed again: shop/45",
    ]
    assert [each.json["type"] for each in receiver.received] == ["failure", "success"]
    assert {each.json["title"] for each in receiver.received} == {"git-dispatcher"}


def test_a_noisy_target_is_summarised_when_its_window_ends(bench_for: Benches) -> None:
    with HttpReceiver() as receiver:
        bench = bench_for(chat(receiver.url))
        for number in range(1, 7):
            fails(bench, number)
        bench.rounds()
        assert len(receiver.received) == 1

        while len(receiver.received) < 2:
            bench.rounds()

    assert said(receiver)[1] == "5 more failures of shop in 10 minutes"
    assert sum(bench.clock.waited) < 601


def test_what_was_left_out_outlives_the_watcher(bench_for: Benches) -> None:
    with HttpReceiver() as receiver:
        bench = bench_for(chat(receiver.url))
        for number in range(1, 4):
            fails(bench, number)
        bench.rounds()
        bench.clock.pass_by(600)

        bench.courier = bench.another()
        bench.rounds()

    assert said(receiver)[1:] == ["2 more failures of shop in 10 minutes"]


def test_a_chat_that_does_not_answer_is_tried_again(bench_for: Benches) -> None:
    with HttpReceiver(503) as receiver:
        bench = bench_for(chat(receiver.url))
        fails(bench, 1)

        bench.rounds()
        error = bench.state.error
        bench.rounds()

    assert error == "answered 503"
    assert len(set(said(receiver))) == 1
    assert len(receiver.received) == 2


def test_a_definite_no_is_a_dead_letter(bench_for: Benches) -> None:
    with HttpReceiver(403) as receiver:
        bench = bench_for(chat(receiver.url))
        fails(bench, 1)

        bench.rounds()

    ((_, letter),) = bench.ledger.dead_letters("", 10)
    assert (letter.reason, letter.message.subject) == ("answered 403", "shop/1")
    assert letter.message.text.startswith("shop/1 failed: ")


def test_a_url_that_apprise_does_not_know_is_reported(bench_for: Benches) -> None:
    bench = bench_for(Chat(url=Secret(b"nothing://a-token")))
    fails(bench, 1)

    bench.rounds()

    assert bench.state.error.startswith("apprise knows no such service")


def test_nothing_of_a_payload_becomes_markup(bench_for: Benches) -> None:
    with HttpReceiver() as receiver:
        bench = bench_for(chat(receiver.url))
        fails(
            bench, 1, "<!channel> @everyone [x](https://evil.example) *b* `c` :tada: \x1b[31m\n# h"
        )

        bench.rounds()

    (text,) = said(receiver)
    for sign in ("<", ">", "@", "[", "*", "`", "://", ":tada:", "\x1b", "\n", "#", "evil.example"):
        assert sign not in text


def test_no_log_and_no_state_holds_the_token(
    bench_for: Benches, log: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    with HttpReceiver(403, 503) as receiver:
        bench = bench_for(chat(receiver.url))
        fails(bench, 1)
        fails(bench, 2)
        bench.rounds(2)

    shown = log.getvalue() + capsys.readouterr().out + str(bench.state)
    assert receiver.received[0].path == "/a-token"
    assert "a-token" not in shown
