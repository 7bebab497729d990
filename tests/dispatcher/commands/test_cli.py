"""`git-dispatcher …` for people, against a web application that runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from dispatcher import __version__
from dispatcher.cli import main
from dispatcher.domain.deploy import State
from dispatcher.local.ports import free_port
from tests.dispatcher.http.helpers import end
from tests.dispatcher.http.web import TOKEN, Web
from tests.dispatcher.webhooks.support import MIDDLE, NEW, SECRET

Captured = pytest.CaptureFixture[str]


def rows(text: str) -> list[list[str]]:
    """A table's cells, which two spaces part at the least."""
    return [re.split(r" {2,}", line.strip()) for line in text.splitlines()]


def test_targets_are_a_table(web: Web, capsys: Captured) -> None:
    assert main(["targets"]) == 0

    header, shop, *_ = rows(capsys.readouterr().out)
    assert header[:4] == ["TARGET", "FOLLOWS", "NOW", "LAST"]
    assert shop == ["shop", "main", "shop/1 waits", "never deployed"]


def test_for_scripts_there_is_json(web: Web, capsys: Captured) -> None:
    assert main(["targets", "--output", "json"]) == 0

    assert json.loads(capsys.readouterr().out) == {"targets": web.api("targets").json()["targets"]}


def test_deploys_are_a_table(web: Web, client: redis.Redis, capsys: Captured) -> None:
    end(web, client, State.SUCCEEDED)

    assert main(["deploys", "shop"]) == 0

    header, first = rows(capsys.readouterr().out)
    assert header == ["DEPLOY", "STATE", "COMMIT", "REF", "REASON", "BY", "AGE", "TOOK", "TITLE"]
    assert first[:5] == ["shop/1", "succeeded", NEW[:8], "main", "push"]
    assert first[-2:] == ["12s", "Fix the checkout"]


def test_a_target_that_was_never_deployed(web: Web, capsys: Captured) -> None:
    assert main(["deploys", "lab"]) == 0

    assert capsys.readouterr().out == "lab was never deployed: push to it.\n"


def test_a_deploy_is_shown_with_the_end_of_its_log(
    web: Web, client: redis.Redis, capsys: Captured
) -> None:
    log_tail = "[bold]cannot\x1b[2J\nno space left\n"
    end(web, client, State.FAILED, exit_code=3, log_tail=log_tail, why="it exited with 3")

    assert main(["show", "shop/1"]) == 0

    out = capsys.readouterr().out
    facts = dict(row for row in rows(out) if len(row) == 2)
    assert (facts["state"], facts["why"]) == ("failed", "it exited with 3")
    assert facts["exit code"] == "3"
    assert out.endswith("\n\n[bold]cannot·[2J\nno space left\n")


def test_a_redeploy_names_the_deploy(web: Web, client: redis.Redis, capsys: Captured) -> None:
    end(web, client, State.SUCCEEDED)

    assert main(["redeploy", "shop", "--reason", "a new key", "--by", "ann"]) == 0

    assert f"shop/2: commit {NEW[:8]} of main is deployed\n" in capsys.readouterr().out
    told = web.api("targets/shop/deploys/2").json()
    assert (told["note"], told["requested_by"]) == ("a new key", "ann")


def test_an_earlier_deploy_is_how_to_roll_back(web: Web, client: redis.Redis) -> None:
    end(web, client, State.SUCCEEDED)
    assert main(["redeploy", "shop", "--commit", MIDDLE, "--ref", "main"]) == 0
    end(web, client, State.FAILED)

    assert main(["redeploy", "shop/1", "--reason", "shop/2 is broken", "--by", "ann"]) == 0

    deploys = web.api("targets/shop/deploys").json()["deploys"]
    assert [each["commit"] for each in deploys] == [NEW, MIDDLE, NEW]
    assert (deploys[0]["note"], deploys[0]["requested_by"]) == ("shop/2 is broken", "ann")


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (["shop", "--commit", NEW[:8]], f"commit is '{NEW[:8]}'"),
        (["shop", "--ref", "next"], "branch next matches none of main"),
        (["shop/1", "--commit", NEW], "deploy and commit contradict each other"),
        (["shop/"], "write it like shop/42"),
    ],
)
def test_what_cannot_be_redeployed(web: Web, named: list[str], said: str, capsys: Captured) -> None:
    assert main(["redeploy", *named]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("state", "code"), [(State.SUCCEEDED, 0), (State.FAILED, 1)])
def test_a_redeploy_can_be_waited_for(
    web: Web, client: redis.Redis, state: State, code: int
) -> None:
    command = [sys.executable, "-m", "dispatcher.cli", "redeploy", "shop", "--wait"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:
        assert process.stdout
        said = [process.stdout.readline() for _ in range(2)]
        end(web, client, state)
        said += process.stdout.readlines()

    assert process.returncode == code
    assert said[0] == "shop/1: this deploy was waiting already\n"
    assert said[1] == "shop/1 pending\n"
    assert said[-1].startswith(f"shop/1 {state} after 12s")


_ROOT = Path(__file__).parents[3]


def test_what_is_not_there(web: Web, capsys: Captured) -> None:
    url = f"({web.url} answered 404)"
    assert main(["deploys", "shpo"]) == 3
    assert capsys.readouterr().err == (
        "git-dispatcher: There is no target 'shpo': did you mean \"shop\"? `git-dispatcher targets` "
        f"lists them {url}\n"
    )
    assert main(["show", "shop/7"]) == 3
    assert capsys.readouterr().err == (
        "git-dispatcher: Target shop has no deploy 7, or the ledger no longer has it: there is shop/1; "
        f"`git-dispatcher deploys TARGET` lists them {url}\n"
    )
    assert main(["redeploy", "lab"]) == 3
    assert "never deployed" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://ann:hunter2@{}", "ann:hunter2@{}", "htp://ann:hunter2@{}"])
def test_a_password_in_the_address_is_not_repeated(web: Web, url: str, capsys: Captured) -> None:
    for host in (web.url.removeprefix("http://"), f"127.0.0.1:{free_port()}"):
        assert main(["deploys", "shpo", "--url", url.format(host)]) != 0

        told = capsys.readouterr().err
        assert "…@127.0.0.1" in told
        assert "hunter2" not in told


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["tragets"], "'targets'"),
        (["chekc"], "'check'"),
        (["redeploy", "shop", "--resaon", "x"], "--reason"),
        (["deploys", "shpo"], '"shop"'),
        (["redeploy", "shpo"], '"shop"'),
        (["redeploy", "shop/11"], "shop/1"),
        (["cancel", "shop/11"], "shop/1"),
        (["release", "shop/11", "--yes"], "shop/1"),
        (["pause", "labb"], '"lab"'),
        (["resume", "shop-realeses"], '"shop-releases"'),
    ],
)
def test_what_was_meant_is_guessed_and_no_route_of_the_api_named(
    web: Web, arguments: list[str], meant: str, capsys: Captured
) -> None:
    assert main(arguments) in (2, 3)

    told = capsys.readouterr().err
    assert meant in told
    assert "/api/" not in told
    assert not re.search(r"\b(?:GET|POST) ", told)


@pytest.mark.parametrize("name", ["shop", "shop/", "shop/x", "/1", "shop/1/2"])
def test_a_deploys_name_has_a_number(web: Web, name: str, capsys: Captured) -> None:
    assert main(["show", name]) == 2
    assert "write it like shop/42" in capsys.readouterr().err


def test_a_token_that_is_not_accepted(
    web: Web, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("DISPATCHER_API_TOKEN", "another")

    assert main(["targets"]) == 3

    err = capsys.readouterr().err
    assert "the token from DISPATCHER_API_TOKEN is not accepted" in err
    assert "another" not in err


def test_nobody_answers(web: Web, capsys: Captured) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    assert main(["targets", "--url", url]) == 4

    err = capsys.readouterr().err
    assert f"nobody answers at {url}" in err
    assert "git-dispatcher web" in err


@pytest.mark.parametrize("url", ["deploy.example.com", "ftp://x", "http://", "http://x:99999"])
def test_a_url_that_is_none(web: Web, url: str, capsys: Captured) -> None:
    assert main(["targets", "--url", url]) == 2
    assert "is not a URL" in capsys.readouterr().err


def test_something_else_answers(web: Web, capsys: Captured) -> None:
    assert main(["targets", "--url", f"{web.url}/livez"]) == 3
    assert web.url in capsys.readouterr().err


def test_a_token_from_a_file(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.delenv("DISPATCHER_API_TOKEN")
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")

    assert main(["targets"]) == 3
    assert "a token is needed" in capsys.readouterr().err
    assert main(["targets", "--token-file", str(file)]) == 0
    monkeypatch.setenv("DISPATCHER_API_TOKEN_FILE", str(file))
    assert main(["targets"]) == 0
    assert main(["targets", "--token-file", str(tmp_path / "none")]) == 2


def test_after_up_no_settings_are_needed(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.delenv("DISPATCHER_URL")
    monkeypatch.delenv("DISPATCHER_API_TOKEN")
    state = tmp_path / ".dispatcher"
    state.mkdir()
    (state / "client.json").write_text(json.dumps({"url": web.url, "token": TOKEN}))

    assert main(["targets"]) == 0
    monkeypatch.chdir("/")
    assert main(["targets", "--state-dir", str(state)]) == 0
    assert main(["targets", "--state-dir", str(tmp_path)]) == 2
    assert "git-dispatcher up" in capsys.readouterr().err


def test_a_post_receive_hook_reports_a_push(web: Web, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(SECRET + b"\n")
    command = ["notify", "--url", f"{web.url}/webhooks/plain", "--secret-file", "secret"]
    command += ["--repository", "https://git.example.com/acme/shop", "--pusher", "ann"]

    done = run(*command, cwd=tmp_path, stdin=f"{'a1' * 20} {NEW} refs/heads/main\n")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"git-dispatcher: main {NEW[:8]}: bare/1 deploys it\n"
    assert web.api("targets/bare/deploys/1").json()["requested_by"] == "ann"


def test_a_hook_with_the_wrong_secret(web: Web, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("wrong")
    command = ["notify", "--url", f"{web.url}/webhooks/plain", "--repository", "x.example.com/a"]

    refused = run(
        *command, "--secret-file", "secret", cwd=tmp_path, stdin=f"{NEW} {NEW} refs/heads/x"
    )
    without = run(*command, "--secret-file", "none", cwd=tmp_path, stdin="")

    assert (refused.returncode, without.returncode) == (3, 2)
    assert "401" in refused.stdout
    assert "--secret-file" in without.stderr


def run(
    *command: str, cwd: Path, stdin: str = "", **environ: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dispatcher.cli", *command],
        input=stdin,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(_ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_version(capsys: Captured) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"git-dispatcher {__version__}\n"


def test_usage(capsys: Captured) -> None:
    assert main(["targets", "--colour"]) == 2
    assert main(["nothing"]) == 2
    assert main(["deploys", "shop", "--limit", "101"]) == 2
    assert "--limit" in capsys.readouterr().err
