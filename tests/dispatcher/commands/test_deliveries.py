"""hooks, deliveries and replay, against a web application that runs; web with hooks that nothing proves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from structlog.testing import capture_logs

from dispatcher.cli import main
from dispatcher.domain.deploy import State
from dispatcher.local.ports import free_port
from tests.dispatcher.commands.test_cli import Captured, rows
from tests.dispatcher.http.helpers import end
from tests.dispatcher.http.web import Web
from tests.dispatcher.webhooks.support import NEW, OLD, SECRET, UUID, sent

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _only_what_commands_print() -> Iterator[None]:
    """The web application runs in this very process, and logs."""
    with capture_logs():
        yield


def kept(capsys: Captured) -> list[list[str]]:
    capsys.readouterr()
    assert main(["deliveries"]) == 0
    return rows(capsys.readouterr().out)


def test_hooks_are_a_table_with_a_line_for_each_secret(web: Web, capsys: Captured) -> None:
    web.deliver(sent("github/ping__webhook"), "nobodys")

    assert main(["hooks"]) == 0

    out = capsys.readouterr().out
    header, first, second, *_ = rows(out)
    assert header == ["HOOK", "PROVIDER", "REPOSITORIES", "SECRET", "LAST USED", "REJECTED"]
    assert first[:5] == ["github", "github", "github.com/acme/*", "env OLD_SECRET", "never"]
    assert second[0] == "env HOOK_SECRET"
    assert second[1].endswith("s ago")
    assert out.endswith("to unknown hooks: 1 signature_mismatch\n")
    assert SECRET.decode() not in out


def test_deliveries_are_a_table(web: Web, capsys: Captured) -> None:
    header, first = kept(capsys)

    assert header == ["ID", "AGE", "HOOK", "EVENT", "REPOSITORY", "REF", "COMMIT", "WHAT"]
    assert first[2:7] == ["github", "push", "github.com/acme/shop", "main", NEW[:8]]
    assert first[7] == "shop/1 accepted, shop-docs filtered, shop-releases filtered"


def test_one_delivery_is_a_page(web: Web, capsys: Captured) -> None:
    assert main(["deliveries", UUID]) == 0

    found = rows(capsys.readouterr().out)
    facts = {row[0]: row[1] for row in found if len(row) == 2}
    assert facts["hook"] == "github (github)"
    assert facts["ref"] == f"refs/heads/main {OLD[:8]}..{NEW[:8]}"
    assert facts["can be replayed"] == "yes"
    became = found.index(["results"])
    assert found[became + 2][:5] == ["shop", "main", "accepted", "shop/1", "pending"]
    now = found.index(["by the present configuration"])
    assert [row[:3] for row in found[now + 2 :]] == [
        ["shop", "main", "yes"],
        ["shop-docs", "main", "no"],
        ["shop-releases", "main", "no"],
    ]


def test_a_replay_says_what_became_of_it(web: Web, client: redis.Redis, capsys: Captured) -> None:
    end(web, client, State.FAILED)

    assert main(["replay", UUID, "--by", "ann", "--reason", "again"]) == 0

    first, shop, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("replayed as ")
    assert shop == "shop main: accepted shop/2, the delivery was replayed"
    _, newest, original = kept(capsys)
    assert newest[0] == first.split()[-1]
    assert newest[-1].startswith(f"replay of {original[0]}: shop/2 accepted")


@pytest.mark.parametrize(("state", "code"), [(State.SUCCEEDED, 0), (State.FAILED, 1)])
def test_a_replay_can_be_waited_for(web: Web, client: redis.Redis, state: State, code: int) -> None:
    command = [sys.executable, "-m", "dispatcher.cli", "replay", UUID, "--wait"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        said = [process.stdout.readline() for _ in range(5)]
        end(web, client, state)
        said += process.stdout.readlines()

    assert process.returncode == code
    assert said[1].startswith("shop main: coalesced shop/1, ")
    assert said[-1].startswith(f"shop/1 {state} after 12s")


def test_for_scripts_there_is_json(web: Web, capsys: Captured) -> None:
    for command, path in (
        (["hooks"], "hooks"),
        (["deliveries"], "deliveries"),
        (["deliveries", UUID], f"deliveries/{UUID}"),
    ):
        assert main([*command, "-o", "json"]) == 0
        assert json.loads(capsys.readouterr().out) == web.api(path).json()
    assert main(["replay", UUID, "-o", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["replay_of"] == web.api("deliveries").json()["deliveries"][1]["id"]


def test_what_is_not_there(web: Web, capsys: Captured) -> None:
    assert main(["deliveries", "nothing"]) == 3
    assert main(["replay", "nothing"]) == 3
    assert "; `git-dispatcher deliveries` lists them" in capsys.readouterr().err


# Hooks that nothing proves


@pytest.fixture
def open_to_all(web: Web) -> Web:
    """Its hook `plain` takes anything, once it is started anew."""
    text = web.config.read_text()
    head, _, tail = text.partition("  plain:\n")
    web.config.write_text(
        head + "  plain:\n" + tail.replace("secrets: [{env: HOOK_SECRET}]", "insecure: true", 1)
    )
    return web


def start(web: Web, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "dispatcher.cli", "web", *options],
        cwd=ROOT,
        env={**os.environ, **web.environ, "PORT": str(free_port())},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_an_insecure_hook_is_refused_where_others_can_reach_it(open_to_all: Web) -> None:
    with start(open_to_all, "--host", "0.0.0.0") as process:
        _, err = process.communicate(timeout=30)

    assert process.returncode == 2
    assert "hooks.plain.insecure: true lets anyone who can reach 0.0.0.0" in err
    assert "--allow-insecure" in err


@pytest.mark.parametrize(
    "options", [("--host", "127.0.0.1"), ("--host", "0.0.0.0", "--allow-insecure")]
)
def test_else_it_is_warned_of(open_to_all: Web, options: tuple[str, ...]) -> None:
    with start(open_to_all, *options) as process:
        assert process.stderr
        said = ""
        while "Application startup complete" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)

    assert "hook accepts unauthenticated deliveries" in said
    assert "hook=plain" in said
