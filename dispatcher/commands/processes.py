"""The processes: web serves here, worker and watcher take this process over."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from dispatcher.commands.exits import Exit
from dispatcher.commands.tables import Output, console, tree, write_json
from dispatcher.config import describe, load
from dispatcher.errors import ConfigError


def web(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; else PORT.")] = None,
) -> None:
    """Receives deliveries, records pushes, answers the API."""
    from dispatcher.commands.serving import serve  # only here, so that other commands start at once

    given = {"HOST": host, "PORT": port}
    serve(
        {**os.environ, **{name: str(value) for name, value in given.items() if value is not None}}
    )


def worker() -> None:
    """Acts: creates and deletes Jobs, one target at a time."""
    _become("worker")


def watcher() -> None:
    """Observes: follows Jobs and Pods, wakes what is due."""
    _become("watcher")


def check(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", help="File or directory; else DISPATCHER_CONFIG."),
    ] = None,
    output: Annotated[Output, typer.Option("--output", "-o", help="Text, or JSON.")] = Output.TABLE,
) -> None:
    """Validates the configuration and shows what it means."""
    environ = {**os.environ, "DISPATCHER_CONFIG": str(path)} if path else os.environ
    try:
        understood = describe(load(environ).configuration)
    except ConfigError as error:
        if output is Output.TABLE:
            raise
        write_json({"mistakes": error.mistakes})
        raise typer.Exit(Exit.USAGE) from None
    if output is Output.JSON:
        write_json(understood)
        return
    out = console()
    for line in tree(understood):
        out.print(line, style="bold" if not line.startswith(" ") else None)
    out.print(
        f"{len(understood['hooks'])} hooks, {len(understood['targets'])} targets: no mistakes"
    )


def _become(verb: str) -> NoReturn:
    """What acts on the cluster is another program: nothing of it is imported here."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", "workers", verb])  # noqa: S606  # no shell, on purpose
