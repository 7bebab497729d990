"""cancel, release, pause, resume and logs, against a web application that runs; `up` without its parts."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Iterator

import pytest
import redis
from structlog.testing import capture_logs

from dispatcher.cli import main
from dispatcher.domain.deploy import State
from dispatcher.domain.pause import Paused
from dispatcher.ledger.codec import encode
from tests.dispatcher.commands.test_cli import rows
from tests.dispatcher.http.helpers import end, take
from tests.dispatcher.http.web import Web
from tests.waiting import eventually

Captured = pytest.CaptureFixture[str]
STUCK = (State.STARTING, State.RUNNING, State.STOPPING)


@pytest.fixture(autouse=True)
def _only_what_commands_print() -> Iterator[None]:
    """The web application runs in this very process, and logs."""
    with capture_logs():
        yield


class Terminal(io.StringIO):
    """Somebody who types this."""

    def isatty(self) -> bool:
        return True


def trouble(capsys: Captured, target: str = "shop") -> str:
    """The last cell of a target's row."""
    capsys.readouterr()
    assert main(["targets"]) == 0
    (row,) = (row for row in rows(capsys.readouterr().out) if row[0] == target)
    return row[-1]


def test_a_deploy_is_cancelled(web: Web, capsys: Captured) -> None:
    assert main(["cancel", "shop/1", "--by", "ann", "--reason", "wrong branch"]) == 0
    assert capsys.readouterr().out == "shop/1: it was waiting and is now cancelled\n"

    assert main(["show", "shop/1"]) == 0
    facts = dict(row for row in rows(capsys.readouterr().out) if len(row) == 2)
    assert (facts["state"], facts["cancelled by"]) == ("cancelled", "ann")
    assert facts["why"] == "cancelled by ann: wrong branch"


def test_what_cannot_be_cancelled(web: Web, client: redis.Redis, capsys: Captured) -> None:
    end(web, client, State.SUCCEEDED)

    assert main(["cancel", "shop/1"]) == 3
    assert "shop/1 has already ended: succeeded" in capsys.readouterr().err
    assert main(["cancel", "shop/2"]) == 3
    assert main(["cancel", "shop"]) == 2


def test_a_release_says_what_it_means_and_needs_a_yes(
    web: Web, client: redis.Redis, capsys: Captured
) -> None:
    take(web, client, *STUCK, namespace="deploys")

    assert main(["release", "shop/1"]) == 2
    err = capsys.readouterr().err
    assert "the next deploy runs beside it" in err
    assert "kubectl get pods -n deploys -l git-dispatcher/target=shop" in err
    assert "add --yes" in err
    assert web.api("targets/shop/deploys/1").json()["released_by"] == ""

    assert main(["release", "shop/1", "--yes", "--by", "ann"]) == 0
    assert capsys.readouterr().out.startswith("shop/1: its target goes on")
    assert web.api("targets/shop/deploys/1").json()["released_by"] == "ann"


@pytest.mark.parametrize(("typed", "code", "by"), [("y\n", 0, "ann"), ("n\n", 1, ""), ("", 1, "")])
def test_at_a_terminal_it_asks(
    web: Web,
    client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    code: int,
    by: str,
) -> None:
    take(web, client, *STUCK)
    monkeypatch.setattr(sys, "stdin", Terminal(typed))

    assert main(["release", "shop/1", "--by", "ann"]) == code
    assert web.api("targets/shop/deploys/1").json()["released_by"] == by


def test_only_what_is_stopping_is_released(web: Web, capsys: Captured) -> None:
    assert main(["release", "shop/1", "--yes"]) == 3
    assert "cancel it first" in capsys.readouterr().err
    assert main(["release", "shop/2", "--yes"]) == 3


def test_a_target_is_paused_and_goes_on(web: Web, capsys: Captured) -> None:
    assert main(["pause", "shop", "--by", "ann", "--reason", "migration"]) == 0
    assert capsys.readouterr().out.startswith("shop is paused: no deploy starts")
    assert trouble(capsys) == "paused by ann: migration"
    assert trouble(capsys, "lab") == "never deployed"

    assert main(["resume", "shop"]) == 0
    assert capsys.readouterr().out == "shop is resumed\n"
    assert trouble(capsys) == "never deployed"


def test_everything_is_paused_and_goes_on(web: Web, capsys: Captured) -> None:
    assert main(["pause", "--by", "ann"]) == 0
    assert capsys.readouterr().out.startswith("everything is paused: ")
    assert trouble(capsys, "lab") == "everything is paused by ann"

    assert main(["resume", "shop"]) == 0
    assert capsys.readouterr().out == "shop stays paused, since everything is paused by ann\n"
    assert main(["resume"]) == 0
    assert capsys.readouterr().out.startswith("everything is resumed; ")


def test_what_else_holds_a_paused_target_up_is_said_too(
    web: Web, client: redis.Redis, capsys: Captured
) -> None:
    main(["pause", "shop", "--by", "ann"])
    client.hset(web.keys.row("shop"), "trouble", "shop-1 has not stopped in time")
    assert trouble(capsys) == "paused by ann; shop-1 has not stopped in time"

    client.hset(web.keys.row("shop"), "trouble", "paused by ann")
    assert trouble(capsys) == "paused by ann"


def test_for_scripts_there_is_json(web: Web, capsys: Captured) -> None:
    assert main(["pause", "shop", "-o", "json"]) == 0
    paused = json.loads(capsys.readouterr().out)
    assert paused == {"target": "shop", "paused": web.api("targets/shop").json()["paused"]}
    assert main(["cancel", "shop/1", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "cancelled"


@pytest.mark.parametrize("command", [["pause", "shpo"], ["resume", "shpo"], ["logs", "shpo/1"]])
def test_a_target_that_is_not_there(web: Web, command: list[str], capsys: Captured) -> None:
    assert main(command) == 3
    assert "There is no target 'shpo'" in capsys.readouterr().err


def test_what_was_kept_of_a_log_is_printed(web: Web, client: redis.Redis, capsys: Captured) -> None:
    end(web, client, State.FAILED, log_tail="deploying\nno space left\n")

    assert main(["logs", "shop/1"]) == 0

    out, err = capsys.readouterr()
    assert out == "deploying\nno space left\n"
    assert "this is what was kept of the end of its log" in err


def test_where_nothing_was_kept_it_says_so_and_where_the_log_may_be(
    web: Web, client: redis.Redis, capsys: Captured
) -> None:
    text = web.config.read_text()
    end(web, client, State.SUCCEEDED, namespace="deploys", job="shop-1")

    assert main(["logs", "shop/1"]) == 3
    assert "no log of it was kept" in capsys.readouterr().err

    web.config.write_text(f'{text}\nlogs: {{url: "https://logs.example.com/{{job}}"}}\n')
    assert eventually(lambda: web.api("targets/shop/deploys/1").json()["log_url"])
    assert main(["logs", "shop/1"]) == 3
    assert "its log is kept at https://logs.example.com/shop-1" in capsys.readouterr().err


def test_a_log_that_no_watcher_can_relay(web: Web, capsys: Captured) -> None:
    assert main(["logs", "shop/1"]) == 4
    assert "no watcher leads" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["up", "demo"])
def test_without_the_local_parts_it_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, command: str
) -> None:
    for missing in ("dispatcher.local", f"dispatcher.local.{command}"):
        monkeypatch.setitem(sys.modules, missing, None)

    assert main([command]) == 2

    assert "pip install 'git-dispatcher[local]'" in capsys.readouterr().err


def test_a_pause_of_long_ago_is_said_once_with_how_long_it_lasts(
    web: Web, client: redis.Redis, capsys: Captured
) -> None:
    main(["pause", "shop", "--by", "ann", "--reason", "migration"])
    capsys.readouterr()
    old = Paused("ann", "migration", int((time.time() - 2 * 86_400) * 1000))
    client.hset(web.keys.row("shop"), "paused", encode(old))

    assert trouble(capsys) == "paused for 2d by ann: migration"
