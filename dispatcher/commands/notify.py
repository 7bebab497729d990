"""`git-dispatcher notify`: reads the input of a Git post-receive hook. `dispatcher.notify` does the rest."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.domain.errors import UsageError
from dispatcher.files import secret_from_file
from dispatcher.notify import post_receive

PUSHERS = ("GL_USER", "GL_USERNAME", "REMOTE_USER", "USER", "LOGNAME")
"""Where servers say who pushes: gitolite, GitLab's shell, HTTP, then the account."""


def notify(
    url: Annotated[str, typer.Option(help="The hook's address: https://host/webhooks/name.")],
    repository: Annotated[str, typer.Option(help="The repository's URL, as the targets have it.")],
    secret_file: Annotated[Path, typer.Option(help="File with the hook's secret.")],
    pusher: Annotated[
        str | None, typer.Option(help=f"Who pushed; else the first of {', '.join(PUSHERS)}.")
    ] = None,
) -> None:
    """Reports a push from a plain Git server's post-receive hook."""
    code = post_receive.run(
        _stdin(),
        url=url,
        repository=repository,
        secret=_secret(secret_file),
        cwd=Path.cwd(),
        echo=lambda line: print(line, flush=True),
        sleep=time.sleep,
        now=time.time,
        pusher=_pusher(os.environ) if pusher is None else pusher,
    )
    raise typer.Exit(code)


def _stdin() -> str:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "there is no input: run this as a post-receive hook, which gets it from Git"
        )
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")


def _secret(path: Path) -> bytes:
    try:
        return secret_from_file(path).reveal()
    except ValueError as error:
        raise UsageError(f"--secret-file: {error}") from None


def _pusher(environ: Mapping[str, str]) -> str:
    return next((environ[name] for name in PUSHERS if environ.get(name)), "")
