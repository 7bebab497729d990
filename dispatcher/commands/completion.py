"""Completes targets, deploys and namespaces in a shell: asks the API for a moment, and fails silently."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import typer

from dispatcher.commands.access import find_access
from dispatcher.commands.client import Client
from dispatcher.domain.errors import DispatcherError

TIMEOUT = 1.0
"""Seconds for the API's answer: somebody waits for it with a finger on the tab key."""
MOST = 50
"""Newest deploys that are proposed."""
NAME = re.compile(r"[a-z0-9][a-z0-9-]*(/\d+)?")
"""What is proposed: a shell evaluates it."""
WORDS = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")
"""Variables in which bash, and the other shells, say the line so far."""

Ask = Callable[[Client, str], Iterable[str]]


def completed_command(environ: Mapping[str, str]) -> str:
    """The command of the line that a shell completes, "" if it is not written yet, or nothing is completed."""
    if not environ.get("_GIT_DISPATCHER_COMPLETE"):
        return ""
    line = next((environ[name] for name in WORDS if environ.get(name)), "")
    words = line.split()
    is_written = len(words) > 2 or (len(words) == 2 and line[-1:].isspace())
    return words[1] if is_written else ""


def targets(ctx: typer.Context, incomplete: str) -> list[str]:
    return _ask(ctx, incomplete, lambda client, _: (t.name for t in client.targets().targets))


def deploys(ctx: typer.Context, incomplete: str) -> list[str]:
    """Those of the target, once it is written; else the newest of all targets that begin like that."""
    return _ask(ctx, incomplete, _deploys)


def targets_and_deploys(ctx: typer.Context, incomplete: str) -> list[str]:
    return (deploys if "/" in incomplete else targets)(ctx, incomplete)


def namespaces(ctx: typer.Context, incomplete: str) -> list[str]:
    return _ask(ctx, incomplete, lambda client, _: (t.namespace for t in client.targets().targets))


def _deploys(client: Client, incomplete: str) -> Iterable[str]:
    target, slash, _ = incomplete.partition("/")
    if slash:
        found = client.deploys(target, MOST).deploys
    else:
        found = client.search_deploys(MOST, {"target": f"{target}*"}).deploys
    return (each.deploy for each in found)


def _ask(ctx: typer.Context, incomplete: str, ask: Ask) -> list[str]:
    try:
        access = find_access(
            os.environ,
            url=ctx.params.get("url"),
            token_file=_path(ctx.params.get("token_file")),
            state_dir=_path(ctx.params.get("state_dir")),
            cwd=Path.cwd(),
        )
        with Client(access, timeout=TIMEOUT) as client:
            found = dict.fromkeys(ask(client, incomplete))
    except (DispatcherError, OSError):
        return []
    return [name for name in found if name.startswith(incomplete) and NAME.fullmatch(name)]


def _path(given: object) -> Path | None:
    return Path(str(given)) if given else None
