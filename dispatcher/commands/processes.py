"""The processes: web serves here, worker and watcher take this process over."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

import dispatcher
from dispatcher.commands.exits import Exit
from dispatcher.commands.tables import Output, console, tree, write_json
from dispatcher.commands.words import count
from dispatcher.config import describe, load, warnings
from dispatcher.errors import ConfigError


def web(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; else PORT.")] = None,
    allow_insecure: Annotated[
        bool, typer.Option("--allow-insecure", help="Take hooks without secrets on any address.")
    ] = False,
) -> None:
    """Receives deliveries, records pushes, answers the API."""
    from dispatcher.commands.serving import serve  # only here, so that other commands start at once

    given = {"HOST": host, "PORT": port}
    said = {name: str(value) for name, value in given.items() if value is not None}
    serve({**os.environ, **said}, allow_insecure=allow_insecure)


def worker() -> None:
    """Acts: creates and deletes Jobs, one target at a time."""
    _become("worker")


def watcher() -> None:
    """Observes: follows Jobs and Pods, wakes what is due."""
    _become("watcher")


def sweep(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be put right.")
    ] = False,
) -> None:
    """Puts right what was left lying in ledger or cluster."""
    _become("sweep", *(["--dry-run"] if dry_run else []))


def check(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", help="File or directory; else DISPATCHER_CONFIG."),
    ] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what it would change; needs REDIS_URL.")
    ] = False,
    output: Annotated[Output, typer.Option("--output", "-o", help="Text, or JSON.")] = Output.TABLE,
) -> None:
    """Validates the configuration and shows what it means."""
    environ = {**os.environ, "DISPATCHER_CONFIG": str(path)} if path else os.environ
    try:
        configuration = load(environ).configuration
    except ConfigError as error:
        if output is Output.TABLE:
            raise
        write_json({"mistakes": error.mistakes})
        raise typer.Exit(Exit.USAGE) from None
    understood, warned = describe(configuration), [str(each) for each in warnings(configuration)]
    if diff:
        _become("diff", output.value, str(path or ""))
    if output is Output.JSON:
        write_json({**understood, "warnings": warned})
        return
    out = console()
    for line in tree(understood):
        out.print(line, style="bold" if not line.startswith(" ") else None)
    hooks, targets = (count(len(understood[f"{noun}s"]), noun) for noun in ("hook", "target"))
    for warning in warned:
        typer.echo(f"warning: {warning}", err=True)
    more = f", {count(len(warned), 'warning')}" if warned else ""
    out.print(f"{hooks}, {targets}: no mistakes{more}")


def _become(verb: str, *arguments: str) -> NoReturn:
    """What acts on the cluster is another program: nothing of it is imported here."""
    sys.stdout.flush()
    sys.stderr.flush()
    # From where this package is, and never a `workers` that lies in the current directory.
    paths = [str(Path(dispatcher.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-P", "-m", "workers", verb, *arguments]
    os.execve(sys.executable, command, environ)  # noqa: S606  # without a shell, on purpose
