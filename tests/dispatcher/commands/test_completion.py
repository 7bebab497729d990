"""Completion in shells: the shell's own script, and what the command answers it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from dispatcher.commands.completion import completed_command
from dispatcher.domain.deploy import State
from dispatcher.local.ports import free_port
from tests.dispatcher.http.helpers import end
from tests.dispatcher.http.web import Web

BIN = Path(sys.executable).parent
BASH = """
eval "$(_GIT_DISPATCHER_COMPLETE=source_bash git-dispatcher)"
COMP_WORDS=({words}); COMP_CWORD={place}
_git_dispatcher_completion git-dispatcher
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def run(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    path = f"{BIN}:{os.environ['PATH']}"
    done = subprocess.run(
        command,
        env={**os.environ, "PATH": path, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done


def bash(*words: str) -> list[str]:
    """What bash proposes for the last word."""
    quoted = " ".join(f"'{word}'" for word in ("git-dispatcher", *words))
    script = BASH.format(words=quoted, place=len(words))
    return run("bash", "--norc", "-c", script).stdout.split()


def asked(shell: str, line: str) -> str:
    """What zsh or fish gets."""
    environ = {
        "_GIT_DISPATCHER_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    return run("git-dispatcher", **environ).stdout


def test_commands(web: Web) -> None:
    assert bash("rede") == ["redeploy"]
    assert {"targets", "token"} <= set(bash("t"))


def test_targets(web: Web) -> None:
    assert bash("deploys", "shop-") == ["shop-docs", "shop-releases"]
    assert bash("pause", "la") == ["lab"]
    assert bash("queue", "--target", "ba") == ["bare"]
    assert bash("targets", "--namespace", "rel") == ["releases"]


def test_deploys(web: Web, client: redis.Redis) -> None:
    end(web, client, State.SUCCEEDED)

    assert bash("show", "sh") == ["shop/1"]
    assert bash("show", "shop/") == ["shop/1"]
    assert bash("wait", "shop/") == ["shop/1"]
    assert bash("wait", "la") == ["lab"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells(web: Web, shell: str) -> None:
    assert "shop-docs" in asked(shell, "git-dispatcher deploys sho")
    assert "redeploy" in asked(shell, "git-dispatcher rede")


def test_where_nobody_answers_nothing_is_proposed_or_said(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bash("deploys", "shpo") == []
    assert bash("show", "shpo/") == []
    assert bash("deploys", "--url", f"http://127.0.0.1:{free_port()}", "sho") == []
    monkeypatch.setenv("DISPATCHER_API_TOKEN", "wrong")
    assert bash("deploys", "sho") == []


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("git-dispatcher", ""),
        ("git-dispatcher depl", ""),
        ("git-dispatcher deploys ", "deploys"),
        ("git-dispatcher deploys sh", "deploys"),
    ],
)
def test_only_the_modules_of_the_command_are_loaded(words: str, command: str) -> None:
    complete = {"_GIT_DISPATCHER_COMPLETE": "complete_bash"}
    assert completed_command({**complete, "COMP_WORDS": words}) == command
    assert completed_command({**complete, "_TYPER_COMPLETE_ARGS": words}) == command
    assert completed_command({"COMP_WORDS": words}) == ""
