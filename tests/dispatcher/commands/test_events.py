"""`git-dispatcher events`, and who waits for events."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from dispatcher.cli import main
from dispatcher.commands.access import Access
from dispatcher.commands.changes import Changes
from dispatcher.commands.client import Client
from dispatcher.commands.tables.events import event as line
from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import State
from dispatcher.domain.event import EventKind
from dispatcher.domain.secret import Secret
from dispatcher.http.api.schemas.events import StreamedEventInfo
from tests.dispatcher.commands.terminal import Terminal
from tests.dispatcher.http.helpers import end, take
from tests.dispatcher.http.web import TOKEN, Web
from tests.dispatcher.webhooks.support import NEW
from tests.waiting import eventually

Captured = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[3]


def test_what_happened_newest_last(web: Web, client: redis.Redis, capsys: Captured) -> None:
    end(web, client, State.FAILED, why="it exited with 3", cause=CauseKind.SCRIPT)

    assert main(["events"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [each.split()[2:4] for each in lines] == [
        ["shop/1", "created"],
        ["shop/1", "starting"],
        ["shop/1", "running"],
        ["shop/1", "failed"],
    ]
    assert NEW[:8] in lines[0]
    assert lines[-1].endswith("script: it exited with 3")


@pytest.mark.parametrize(
    ("options", "many"),
    [
        (["--target", "sh*"], 3),
        (["--target", "lab"], 0),
        (["--kind", "created"], 1),
        (["--kind", "created", "--kind", "state"], 3),
        (["--limit", "2"], 2),
        (["--since", "1h"], 3),
        (["--since", "2999-01-01T00:00:00Z"], 0),
    ],
)
def test_only_some(
    web: Web, client: redis.Redis, options: list[str], many: int, capsys: Captured
) -> None:
    take(web, client, State.STARTING, State.RUNNING)

    assert main(["events", *options, "-o", "json"]) == 0

    assert len(json.loads(capsys.readouterr().out)["events"]) == many


def test_a_time_that_is_none(web: Web, capsys: Captured) -> None:
    assert main(["events", "--since", "yesterday"]) == 2
    assert "write it like 30m" in capsys.readouterr().err


def test_following_prints_what_happens_from_now_on(web: Web, client: redis.Redis) -> None:
    with Terminal("events", "-f") as terminal:
        assert terminal.sees(lambda text: "created" in text)
        end(web, client, State.SUCCEEDED)
        assert terminal.sees(lambda text: "succeeded" in text)
        assert terminal.interrupt() == 0

    assert [each.split()[3] for each in terminal.text.splitlines()] == [
        "created",
        "starting",
        "running",
        "succeeded",
    ]


def test_for_scripts_each_event_is_a_line_of_json(web: Web, client: redis.Redis) -> None:
    command = [sys.executable, "-m", "dispatcher.cli", "events", "-f", "-o", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["kind"] == "created"
        take(web, client, State.STARTING)
        assert json.loads(process.stdout.readline())["state"] == "starting"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_nothing_from_a_sender_is_a_control_sequence() -> None:
    event = StreamedEventInfo(
        kind=EventKind.CREATED, at="2025-11-22T10:15:00Z", id="1-0", by="\x1b[2Jann", target="shop"
    )
    assert line(event).plain.endswith("by  [2Jann")


# Who waits


def client_of(web: Web, token: str = TOKEN) -> Client:
    return Client(Access(web.url, Secret(token.encode())))


def test_an_event_ends_the_waiting(web: Web, client: redis.Redis) -> None:
    with client_of(web) as asking, Changes(asking) as changes:
        assert eventually(lambda: changes.live)
        assert changes.wait(60)  # what happened before is seen by looking
        assert not changes.wait(0)
        take(web, client, State.STARTING)
        assert changes.wait(60)


def test_who_may_not_follow_looks_by_itself(web: Web) -> None:
    with client_of(web, "wrong") as asking, Changes(asking) as changes:
        assert not changes.wait(0.1)
        assert not changes.live


def test_a_list_that_is_watched_hears_of_events(web: Web, client: redis.Redis) -> None:
    with Terminal("deploys", "shop", "--watch") as terminal:
        assert terminal.sees(lambda text: "pending" in text)
        take(web, client, State.STARTING)
        assert terminal.sees(lambda text: "starting" in text)
        assert terminal.interrupt() == 0
