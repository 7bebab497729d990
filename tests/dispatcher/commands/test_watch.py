"""`--watch` on lists, and the queue."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from dispatcher.cli import main
from dispatcher.domain.deploy import State
from tests.dispatcher.commands.terminal import Terminal, shown
from tests.dispatcher.http.helpers import end, take
from tests.dispatcher.http.web import Web
from tests.dispatcher.webhooks.support import NEW, sent

Captured = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[3]


def test_a_list_is_drawn_anew_in_its_place_when_something_changes(
    web: Web, client: redis.Redis
) -> None:
    with Terminal("targets", "--watch") as terminal:
        assert terminal.sees(lambda text: "shop/1 waits" in text)
        take(web, client, State.STARTING, State.RUNNING)
        assert terminal.sees(lambda text: "shop/1 running" in text)
        end_of = terminal.lines
        assert sum("TARGET" in line for line in end_of) == 1
        assert "shop/1 waits" not in terminal.text
        assert terminal.interrupt() == 0

    assert "Traceback" not in terminal.text


def test_what_does_not_fit_is_counted(web: Web) -> None:
    with Terminal("targets", "-w", rows=6) as terminal:
        assert terminal.sees(lambda text: "… 4 more lines" in text)
        assert "TARGET" in terminal.text


@pytest.mark.parametrize("options", [["-o", "json"], ["-o", "yaml"], []])
def test_in_a_pipe_each_version_is_printed(
    web: Web, client: redis.Redis, options: list[str]
) -> None:
    command = [sys.executable, "-m", "dispatcher.cli", "deploys", "shop", "--watch", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        printed: list[str] = []
        while not any("pending" in line for line in printed):
            printed.append(process.stdout.readline())
        end(web, client, State.SUCCEEDED)
        while not any("succeeded" in line for line in printed):
            printed.append(process.stdout.readline())
        process.terminate()

    assert not any("\x1b" in line for line in printed)
    assert printed.count("---\n") == (2 if "yaml" in options else 0)


def test_a_server_that_goes_away_is_waited_for_and_the_list_is_called_old(
    web: Web, tmp_path: Path
) -> None:
    with Terminal("targets", "-w") as terminal:
        assert terminal.sees(lambda text: "shop/1 waits" in text)
        web.stop()
        assert terminal.sees(lambda text: "this is old: nobody answers" in text)
        assert "shop/1 waits" in terminal.text


def test_what_is_refused_at_once_is_not_watched(web: Web, capsys: Captured) -> None:
    assert main(["deploys", "shpo", "--watch"]) == 3


# The queue


def test_the_queue_says_what_each_deploy_waits_for(web: Web, capsys: Captured) -> None:
    assert main(["queue"]) == 0

    header, row = capsys.readouterr().out.splitlines()
    assert header.split()[:4] == ["DEPLOY", "WAITS", "FOR", "BEHIND"]
    assert header.split()[-1] == "WHY"
    assert row.split()[0] == "shop/1"
    assert row.split()[2] == "worker"
    assert NEW[:8] in row


def test_in_a_terminal_why_is_below(web: Web) -> None:
    main(["pause", "shop", "--by", "ann", "--reason", "migration"])

    header, row, why, *_ = shown("queue").lines

    assert "WHY" not in header
    assert row.split()[2] == "pause"
    assert why.startswith("  ")
    assert "ann" in why


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], ["bare/1", "shop/1"]),
        (["--target", "sh*"], ["shop/1"]),
        (["--namespace", "releases"], []),
        (["--waits-for", "pause"], ["shop/1"]),
    ],
)
def test_only_some_of_it(web: Web, options: list[str], names: list[str], capsys: Captured) -> None:
    web.deliver(sent("generic/push__branch"), "plain")
    main(["pause", "shop"])
    capsys.readouterr()

    assert main(["queue", *options, "-o", "json"]) == 0

    deploys = json.loads(capsys.readouterr().out)["deploys"]
    assert sorted(each["deploy"] for each in deploys) == names


def test_what_is_left_out_is_counted(web: Web, capsys: Captured) -> None:
    web.deliver(sent("generic/push__branch"), "plain")

    assert main(["queue", "--limit", "1", "-o", "wide"]) == 0

    assert capsys.readouterr().out.splitlines()[-1] == "and 1 more deploy"


def test_nothing_waits(web: Web, client: redis.Redis, capsys: Captured) -> None:
    end(web, client, State.SUCCEEDED)

    assert main(["queue"]) == 0

    assert capsys.readouterr().out == "Nothing waits.\n"
