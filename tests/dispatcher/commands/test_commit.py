"""`git-dispatcher commit`: what became of it at every target of its repository."""

from __future__ import annotations

import json

import pytest
import redis

from dispatcher.cli import main
from dispatcher.domain.deploy import State
from tests.dispatcher.commands.terminal import shown
from tests.dispatcher.http.helpers import end
from tests.dispatcher.http.web import Web
from tests.dispatcher.webhooks.support import NEW

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize("repository", ["github.com/acme/shop", "https://github.com/acme/shop.git"])
def test_each_target_says_what_became_of_it(
    web: Web, client: redis.Redis, repository: str, capsys: Captured
) -> None:
    end(web, client, State.FAILED, why="it exited with 3")

    assert main(["commit", repository, NEW]) == 0

    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["TARGET", "BECAME", "BY", "AGE", "DELIVERY", "WHY"]
    assert rows[0].split()[:3] == ["shop", "failed", "shop/1"]
    assert rows[0].endswith("shop/1 failed: it exited with 3")
    assert [row.split()[:2] for row in rows[1:]] == [
        ["shop-docs", "filtered"],
        ["shop-releases", "filtered"],
    ]


def test_in_a_terminal_why_is_below(web: Web) -> None:
    lines = shown("commit", "github.com/acme/shop", NEW).lines

    assert lines[1].split()[:2] == ["shop", "waiting"]
    assert lines[2].startswith("  shop/1 pending")


def test_for_scripts_there_is_json(web: Web, capsys: Captured) -> None:
    assert main(["commit", "github.com/acme/shop", NEW, "-o", "json"]) == 0

    assert json.loads(capsys.readouterr().out)["total"] == 3


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["github.com/acme/none", NEW], 3, "No target has the repository"),
        (["github.com/acme/shop", NEW[:8]], 2, "is not a commit's full name"),
    ],
)
def test_what_is_not_there(
    web: Web, arguments: list[str], code: int, said: str, capsys: Captured
) -> None:
    assert main(["commit", *arguments]) == code
    assert said in capsys.readouterr().err
