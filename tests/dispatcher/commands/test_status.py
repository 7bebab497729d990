"""`git-dispatcher status`: is everything all right, and if not what first."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import redis
from structlog.testing import capture_logs

from dispatcher.cli import main
from dispatcher.domain.deploy import State
from dispatcher.local.ports import free_port
from tests.dispatcher.commands.terminal import Terminal, shown
from tests.dispatcher.http.helpers import end
from tests.dispatcher.http.web import Web

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _only_what_commands_print() -> Iterator[None]:
    """The web application runs in this very process, and logs."""
    with capture_logs():
        yield


def problems(capsys: Captured) -> list[tuple[str, str]]:
    capsys.readouterr()
    main(["status", "-o", "json"])
    found = json.loads(capsys.readouterr().out)["problems"]
    return [(each["subject"], each["what"]) for each in found]


def test_what_git_dispatcher_lacks_comes_first(
    web: Web, client: redis.Redis, capsys: Captured
) -> None:
    client.hset(web.keys.row("lab"), "trouble", "no node takes its Pod")
    end(web, client, State.FAILED, why="it exited with 3")

    found = problems(capsys)

    assert found[0] == ("cluster", "unavailable: no watcher leads")
    assert "workers" in dict(found)
    assert found[-2:] == [
        ("lab", "no node takes its Pod"),
        ("shop", "shop/1 failed: it exited with 3"),
    ]
    assert main(["status"]) == 1


def test_on_one_screen_with_the_command_that_shows_more(web: Web, client: redis.Redis) -> None:
    end(web, client, State.FAILED, why="it exited with 3")

    with Terminal("status") as terminal:
        assert terminal.end() == 1

    text = terminal.text
    assert "problems, the first first:" in text
    assert "shop: shop/1 failed: it exited with 3  (git-dispatcher show shop/1)" in text
    assert "hooks" in text
    assert "3, newest delivery" in text


def test_a_pause_is_no_problem_and_the_oldest_wait_is_shown(web: Web, capsys: Captured) -> None:
    main(["pause", "shop", "--by", "ann"])

    assert "shop" not in dict(problems(capsys))
    main(["status"])
    out = capsys.readouterr().out
    assert "1 paused, 1 deploy waiting" in out
    assert "shop/1 for " in out


def test_nobody_answers(web: Web, capsys: Captured) -> None:
    assert main(["status", "--url", f"http://127.0.0.1:{free_port()}"]) == 4


def test_a_token_for_some_targets_sees_those_and_neither_hooks_nor_processes(
    web: Web, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    main(["token", "create", "ci", "--target", "lab"])
    monkeypatch.setenv("DISPATCHER_API_TOKEN", capsys.readouterr().out.strip())

    main(["status", "-o", "json"])

    found = json.loads(capsys.readouterr().out)
    assert (found["targets"], found["hooks"], found["processes"]) == (1, None, {})


def test_the_processes(web: Web) -> None:
    header, *rows = shown("system", columns=120).lines

    assert header.split()[:5] == ["KIND", "NAME", "ALIVE", "STATE", "UP"]
    assert any(row.startswith("workers: ") for row in rows)
