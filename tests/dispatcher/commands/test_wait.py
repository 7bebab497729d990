"""`git-dispatcher wait`, as a script after `git push` runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from dispatcher.cli import main
from dispatcher.domain.deploy import State
from tests.dispatcher.commands.terminal import Terminal
from tests.dispatcher.http.helpers import end, take
from tests.dispatcher.http.web import Web
from tests.dispatcher.webhooks.support import MIDDLE, NEW, OLD, sent

Captured = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[3]


def waiting(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "dispatcher.cli", "wait", *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


@pytest.mark.parametrize(("state", "code"), [(State.SUCCEEDED, 0), (State.FAILED, 1)])
def test_it_waits_until_the_commit_is_deployed(
    web: Web, client: redis.Redis, state: State, code: int
) -> None:
    with waiting("shop", "--commit", NEW.upper()) as process:
        assert first_line(process) == "shop/1 pending\n"
        end(web, client, state, why="" if code == 0 else "the script exited with 3")
        out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (code, "")
    assert out.splitlines()[-1].startswith(f"shop/1 {state} after 12s")
    assert code == 0 or out.endswith(": the script exited with 3\n")


def test_the_delivery_may_come_after_it_began(web: Web, client: redis.Redis) -> None:
    with waiting("lab", "--commit", NEW) as process:
        assert first_line(process) == f"no delivery with {NEW[:8]} has come for lab yet\n"
        web.deliver(sent("gitlab/push_hook__branch"))
        assert first_line(process) == "lab/1 pending\n"
        end(web, client, State.SUCCEEDED, of="lab")
        assert process.wait(60) == 0


def test_what_is_deployed_already_is_not_waited_for(
    web: Web, client: redis.Redis, capsys: Captured
) -> None:
    end(web, client, State.SUCCEEDED)

    assert main(["wait", "shop", "--commit", NEW, "--ref", "main"]) == 0
    assert main(["wait", "shop"]) == 0
    assert main(["wait", "shop/1"]) == 0

    line, *others = capsys.readouterr().out.splitlines()
    assert line.startswith("shop/1 succeeded after 12s")
    assert others == [line, line]


def test_a_commit_that_was_merged_into_a_waiting_deploy_is_deployed_with_it(
    web: Web, client: redis.Redis, capsys: Captured
) -> None:
    for number, (before, after) in enumerate([(OLD, MIDDLE), (MIDDLE, NEW)]):
        refs = [{"ref": "refs/heads/main", "before": before, "after": after}]
        push = sent("generic/push__branch").with_fields(refs=refs)
        web.deliver(push.but(headers={"X-Delivery-Id": f"delivery-{number}"}), "plain")
    assert web.api("targets/bare/deploys/1").json()["merged"] == 1
    end(web, client, State.SUCCEEDED, of="bare")

    assert main(["wait", "bare", "--commit", MIDDLE]) == 0


def test_a_commit_that_does_not_come_is_not_waited_for_for_ever(web: Web, capsys: Captured) -> None:
    assert main(["wait", "shop", "--commit", OLD, "--ref", "main", "--timeout", "1"]) == 4

    told = f"after 1s it has not ended: no delivery with {OLD[:8]} of main has come for shop yet"
    assert told in capsys.readouterr().err


def test_what_a_filter_has_turned_away_is_not_waited_for(web: Web, capsys: Captured) -> None:
    assert main(["wait", "shop-docs", "--commit", NEW, "--ref", "main"]) == 5
    assert f"{NEW[:8]} filtered for shop-docs: " in capsys.readouterr().out


def test_another_branch_may_be_meant(web: Web, capsys: Captured) -> None:
    assert main(["wait", "shop-docs", "--commit", NEW, "--ref", "next", "--timeout", "1"]) == 4
    assert main(["wait", "shop-docs", "--commit", NEW, "--timeout", "1"]) == 4
    assert f"{NEW[:8]} filtered for shop-docs" in capsys.readouterr().err


def test_a_cancelled_one_has_failed_and_says_who_did_it(web: Web, capsys: Captured) -> None:
    main(["cancel", "shop/1", "--by", "ann", "--reason", "wrong branch"])
    capsys.readouterr()

    assert main(["wait", "shop", "--commit", NEW]) == 1

    assert capsys.readouterr().out == "shop/1 cancelled: cancelled by ann: wrong branch\n"


def test_for_scripts_there_is_the_deploy_as_json(
    web: Web, client: redis.Redis, capsys: Captured
) -> None:
    end(web, client, State.SUCCEEDED)

    assert main(["wait", "shop", "--commit", NEW, "-o", "json"]) == 0

    out, err = capsys.readouterr()
    assert json.loads(out)["deploy"] == "shop/1"
    assert err.startswith("shop/1 succeeded")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["shop", "--commit", NEW[:8]], "is not a commit's full name"),
        (["shop/1", "--commit", NEW], "leave out --commit"),
        (["shop/x"], "write it like shop/42"),
    ],
)
def test_what_is_not_understood(web: Web, options: list[str], said: str, capsys: Captured) -> None:
    assert main(["wait", *options]) == 2
    assert said in capsys.readouterr().err


def test_an_unknown_target_is_not_waited_for(web: Web, capsys: Captured) -> None:
    assert main(["wait", "shpo", "--commit", NEW]) == 3
    assert "There is no target 'shpo'" in capsys.readouterr().err


def test_on_a_terminal_one_line_says_how_long_already(web: Web, client: redis.Redis) -> None:
    take(web, client, State.STARTING, State.RUNNING)

    with Terminal("wait", "shop", "--commit", NEW) as terminal:
        assert terminal.sees(lambda text: "shop/1 running, waited for 1s" in text)
        end(web, client, State.SUCCEEDED)
        assert terminal.end() == 0

    printed = terminal.text.splitlines()
    assert (printed[0], printed[-1]) == ("shop/1 running", "shop/1 succeeded after 12s")
    assert "waited for" not in terminal.text


def test_ctrl_c_ends_the_waiting_and_says_that_the_deploy_goes_on(web: Web) -> None:
    with Terminal("wait", "shop", "--commit", NEW) as terminal:
        assert terminal.sees(lambda text: "shop/1 pending" in text)
        assert terminal.interrupt() == 130

    assert "interrupted: what was waited for goes on" in terminal.text
    assert "Traceback" not in terminal.text
