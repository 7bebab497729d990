"""`git-dispatcher notifications …`, against a web application and a courier that run."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from dispatcher.cli import main
from dispatcher.domain.event import EventKind
from dispatcher.ledger import Keys, Store
from tests.dispatcher.commands.test_cli import rows
from tests.dispatcher.http.web import TOKEN, Web
from tests.workers.notify.helpers import KEY, NAME, Bench, webhook
from tests.workers.notify.receiver import HttpReceiver, Reply

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _only_what_commands_print() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with HttpReceiver() as receiver:
        yield receiver


@pytest.fixture
def bench(store: Store, receiver: HttpReceiver) -> Iterator[Bench]:
    bench = Bench(store, webhook(receiver.url))
    yield bench
    bench.close()


@pytest.fixture(autouse=True)
def _web(
    tmp_path: Any,
    redis_url: str,
    keys: Keys,
    receiver: HttpReceiver,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Web]:
    web = Web(tmp_path, redis_url, keys)
    web.environ |= {"KEY": KEY.decode()}
    said = f'{{url: "{receiver.url}/a-token", secrets: [{{env: KEY}}]}}'
    with web.config.open("a") as file:
        file.write(f"notifications:\n  webhooks:\n    {NAME}: {said}\n")
    with web:
        monkeypatch.setenv("DISPATCHER_URL", web.url)
        monkeypatch.setenv("DISPATCHER_API_TOKEN", TOKEN)
        yield web
    web.clean_up()


def meanwhile(bench: Bench, arguments: list[str]) -> int:
    """What the command exits with while a watcher leads."""
    ended = threading.Event()

    def lead() -> None:
        while not ended.wait(0.02):
            bench.rounds()

    thread = threading.Thread(target=lead)
    thread.start()
    try:
        return main(arguments)
    finally:
        ended.set()
        thread.join()


def test_receivers_are_listed_with_their_trouble(
    bench: Bench, receiver: HttpReceiver, capsys: Captured
) -> None:
    receiver.replies.append(Reply(503))
    bench.happens(EventKind.PAUSED)
    bench.rounds()

    assert main(["notifications", "list"]) == 0

    out = capsys.readouterr().out
    header, row = rows(out)[:2]
    assert header[:4] == ["RECEIVER", "KIND", "URL", "SENT"]
    assert row[:4] == [NAME, "webhook", receiver.url, "0"]
    assert "answered 503" in out
    assert "a-token" not in out


def test_a_test_reports_what_came_of_it(
    bench: Bench, receiver: HttpReceiver, capsys: Captured
) -> None:
    assert meanwhile(bench, ["notifications", "test", NAME]) == 0
    assert capsys.readouterr().out == f"{NAME} at {receiver.url} has taken it\n"

    receiver.replies.append(Reply(401))
    assert meanwhile(bench, ["notifications", "test", NAME]) == 1
    assert "not taken: answered 401" in capsys.readouterr().err


def test_a_test_that_no_watcher_sends_ends(capsys: Captured) -> None:
    assert main(["notifications", "test", NAME, "--timeout", "1"]) == 4

    assert "no watcher has sent it within 1 s" in capsys.readouterr().err


def test_all_dead_letters_of_a_receiver_are_sent_again_until_one_is_not_taken(
    bench: Bench, receiver: HttpReceiver, capsys: Captured
) -> None:
    receiver.replies += [Reply(410)] * 3
    for target in ("a", "b", "c"):
        bench.happens(EventKind.PAUSED, target)
    bench.rounds()
    receiver.replies += [Reply(), Reply(410)]

    assert meanwhile(bench, ["notifications", "resend", "--receiver", NAME]) == 1

    assert [each.json["subject"] for each in receiver.received] == ["a", "b", "c", "a", "b"]
    letters = [each.message.subject for _, each in bench.ledger.dead_letters("", 10)]
    assert sorted(letters) == ["b", "c"]
    assert meanwhile(bench, ["notifications", "resend", "--receiver", NAME]) == 0
    assert main(["notifications", "resend"]) == 2


def test_an_unknown_receiver(capsys: Captured) -> None:
    assert main(["notifications", "test", "oops"]) == 3

    assert 'did you mean "ops"? `git-dispatcher notifications list`' in capsys.readouterr().err


def test_a_dead_letter_is_shown_and_sent_again(
    bench: Bench, receiver: HttpReceiver, capsys: Captured
) -> None:
    assert main(["notifications", "dead-letters"]) == 0
    assert capsys.readouterr().out == "No message was given up lately.\n"
    receiver.replies.append(Reply(410))
    bench.happens(EventKind.PAUSED)
    bench.rounds()

    assert main(["notifications", "dead-letters"]) == 0
    row = rows(capsys.readouterr().out)[1]
    assert row[2:5] == [NAME, "paused", "shop"]
    assert meanwhile(bench, ["notifications", "resend", row[0], "-o", "json"]) == 0

    assert json.loads(capsys.readouterr().out)["outcome"] == "sent"
    first, again = receiver.received
    assert (first.id, first.body) == (again.id, again.body)
    assert main(["notifications", "resend", row[0]]) == 3
