"""`git-dispatcher explain`: offline, without a secret, and the same as web says."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from dispatcher.cli import main
from dispatcher.ledger import Keys
from tests.dispatcher.commands.test_cli import rows
from tests.dispatcher.http.web import CONFIGURATION, Web
from tests.dispatcher.webhooks.support import FIXTURES, SECRET, names, sent

Captured = pytest.CaptureFixture[str]

PUSH = str(FIXTURES / "github" / "push__branch.json")
EVENT = "X-GitHub-Event: push"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing else is there: no secret, no Redis."""
    path = tmp_path / "c.yaml"
    path.write_text(CONFIGURATION)
    for name in ("HOOK_SECRET", "OLD_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REDIS_URL", "nonsense")
    monkeypatch.setenv("DISPATCHER_CONFIG", str(path))
    return path


def saved(name: str, folder: Path) -> str:
    """A fixture as an HTTP request in a file, its signature included."""
    delivery = sent(name)
    head = [f"POST /webhooks/{delivery.provider} HTTP/1.1".encode()]
    head += [name + b": " + value for name, value in delivery.raw_headers]
    file = folder / "delivery"
    file.write_bytes(b"\r\n".join([*head, b"", delivery.body]))
    return str(file)


def as_json(capsys: Captured, *arguments: str) -> Any:
    assert main(["explain", *arguments, "--output", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_target_of_the_repository_is_a_row(config: Path, capsys: Captured) -> None:
    assert main(["explain", PUSH, "--hook", "github", "--header", EVENT]) == 0

    first, header, *targets, last = rows(capsys.readouterr().out)
    assert first == ["push, to hook github; its signature or token is not checked here"]
    assert header == ["TARGET", "REF", "RUNS", "WHY"]
    assert targets == [
        ["shop", "main", "yes", "branch main"],
        ["shop-docs", "main", "no", "no changed file matches docs/**"],
        ["shop-releases", "main", "no", "branch main: the target follows no branches"],
    ]
    assert last == ["1 of 3 targets would deploy it"]


def test_a_saved_request_says_everything_itself(
    config: Path, tmp_path: Path, capsys: Captured
) -> None:
    explained = as_json(capsys, saved("github/push__branch", tmp_path))

    assert explained["hook"] == explained["provider"] == "github"
    assert explained["delivery"] == "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    assert (explained["authentication"], explained["reason"]) == ("not checked", "")
    assert [(e["target"], e["wanted"], e["rule"]) for e in explained["explanations"]] == [
        ("shop", True, None),
        ("shop-docs", False, "paths"),
        ("shop-releases", False, "branches"),
    ]


def test_no_secret_is_shown(config: Path, tmp_path: Path, capsys: Captured) -> None:
    for output in ("table", "json"):
        assert main(["explain", saved("gitlab/push_hook__branch", tmp_path), "-o", output]) == 0
        told = capsys.readouterr()
        assert SECRET.decode() not in told.out + told.err


def test_standard_input(config: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(Path(PUSH).read_bytes()))
    monkeypatch.setattr("sys.stdin", stdin)

    explained = as_json(capsys, "-", "--provider", "github", "--header", EVENT)

    assert len(explained["explanations"]) == 3


def test_an_event_that_is_no_push_is_explained_too(
    config: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert main(["explain", saved("github/ping__webhook", tmp_path)]) == 0
    assert "ignored: ping: the hook works" in capsys.readouterr().out


def test_a_repository_that_the_hook_does_not_speak_for(
    config: Path, tmp_path: Path, capsys: Captured
) -> None:
    config.write_text(CONFIGURATION.replace('"github.com/acme/*"', '"github.com/other/*"'))

    explained = as_json(capsys, saved("github/push__branch", tmp_path))

    assert {e["rule"] for e in explained["explanations"]} == {"repositories"}
    assert "hook github may not speak for" in explained["explanations"][0]["reason"]


def test_of_a_providers_hooks_the_one_that_speaks_for_the_repository_counts(
    config: Path, capsys: Captured
) -> None:
    second = "  other: {provider: github, secrets: [{file: x}], repositories: [github.com/o/*]}\n"
    config.write_text(CONFIGURATION.replace("hooks:\n", f"hooks:\n{second}"))

    explained = as_json(capsys, PUSH, "--provider", "github", "--header", EVENT)

    assert explained["hook"] == "github"
    assert explained["explanations"][0]["wanted"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([PUSH], "say with --hook which of these it was sent to: github, gitlab, plain"),
        ([PUSH, "--hook", "githob"], "there is no hook 'githob': did you mean \"github\"?"),
        ([PUSH, "--hook", "x"], "there is no hook 'x': there are: github, gitlab, plain"),
        ([PUSH, "--provider", "gogs"], "no hook has the provider 'gogs': there are: "),
        ([PUSH, "--provider", "gihtub"], "'gihtub': did you mean \"github\"?"),
        (
            [PUSH, "--hook", "github", "--provider", "gitlab"],
            "that hook's provider is not 'gitlab'; hooks that have it: gitlab",
        ),
        ([PUSH, "--hook", "github"], "X-GitHub-Event is missing"),
        ([PUSH, "--hook", "plain"], "web would answer this delivery with 400: "),
        ([PUSH, "--hook", "github", "--header", "push"], "write it like"),
        (["none.json", "--hook", "github"], "none.json cannot be read (No such file"),
        (["a\0b", "--hook", "github"], "no file can have that name"),
        ([PUSH, "--config", "none.yaml"], "none.yaml"),
    ],
)
def test_what_is_wrong_with_the_input(
    config: Path, arguments: list[str], said: str, capsys: Captured
) -> None:
    assert main(["explain", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_what_is_larger_than_the_hook_takes(config: Path, tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "large.json"
    file.write_text(f'{{"repository": "https://git.example.com/a", "refs": [{" " * 4096}]}}')

    assert main(["explain", str(file), "--hook", "plain"]) == 2
    assert "web would answer this delivery with 413" in capsys.readouterr().err


CONFIGURED = ("github/", "gitlab/")


@pytest.mark.parametrize("name", [name for name in names() if name.startswith(CONFIGURED)])
def test_it_says_what_web_says(name: str, server: Web, tmp_path: Path, capsys: Captured) -> None:
    own = {"X-GitHub-Delivery": name, "Idempotency-Key": name}
    answer = server.deliver(sent(name).but(headers=own)).json()
    capsys.readouterr()  # web's log

    explained = as_json(capsys, saved(name, tmp_path), "--config", str(server.config))

    told = {(e["target"], e["ref"]): e for e in explained["explanations"] if e["target"]}
    assert [(r["target"], r["ref"]) for r in answer["results"]] == list(told)
    for result in answer["results"]:
        each = told[result["target"], result["ref"]]
        filtered = result["outcome"] == "filtered"
        assert each["wanted"] != filtered or only_the_ledger_knows(each, result)
        if filtered and each["rule"] != "deletion":  # that one is told by the ledger
            assert result["reason"] == each["reason"]
    reasons = [explained["reason"], *(each["reason"] for each in explained["explanations"])]
    assert answer.get("reason", reasons[0]) in reasons


def only_the_ledger_knows(explained: dict[str, Any], result: dict[str, Any]) -> bool:
    """What was pushed before it has not come, so that the files which it lists are not all."""
    return explained["rule"] == "paths" and "the files changed since" in result["reason"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Web]:
    """One for all deliveries."""
    with Web(tmp_path_factory.mktemp("web"), redis_url, Keys(f"test-{uuid4().hex[:12]}")) as web:
        yield web
    web.clean_up()
