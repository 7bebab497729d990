"""The processes: web serves here, worker and watcher take this process over."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NoReturn

import typer

import dispatcher
from dispatcher.commands import check as showing
from dispatcher.commands.access import TOKEN, TOKEN_FILE, URL
from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.tables import Output, console, write_json
from dispatcher.config import describe, load, mistyped_variables, warnings
from dispatcher.domain.errors import ConfigError, DispatcherError


def web(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; else PORT.")] = None,
    allow_insecure: Annotated[
        bool, typer.Option("--allow-insecure", help="Take hooks without secrets on any address.")
    ] = False,
) -> None:
    """Receives deliveries, records pushes, answers the API."""
    from dispatcher.commands.serve import serve  # only here, so that other commands start at once

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
    without_secrets: Annotated[
        bool, typer.Option("--without-secrets", help="Look no secret up, as where CI has none.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Every setting, not a line for each target.")
    ] = False,
    output: Annotated[Output, typer.Option("--output", "-o", help="Text, or JSON.")] = Output.TABLE,
) -> None:
    """Validates the configuration and shows what it means."""
    environ = {**os.environ, "DISPATCHER_CONFIG": str(path)} if path else os.environ
    try:
        configuration = load(environ, secrets=not without_secrets).configuration
    except ConfigError as error:
        if output is Output.TABLE:
            raise _with_a_way_out(error, environ, without_secrets) from None
        write_json({"mistakes": error.mistakes})
        raise typer.Exit(Exit.USAGE) from None
    found = *mistyped_variables(os.environ, (URL, TOKEN, TOKEN_FILE)), *warnings(configuration)
    understood, warned = describe(configuration), list(map(str, found))
    if diff:
        _become("diff", output.value, str(path or ""))
    if output is Output.JSON:
        write_json({**understood, "warnings": warned})
        return
    out = console()
    show = showing.everything if verbose else showing.summary
    show(out, understood)
    for warning in warned:
        typer.echo(f"warning: {warning}", err=True)
    out.print(showing.end(understood, len(warned), secrets=not without_secrets))


def _with_a_way_out(
    error: ConfigError, environ: Mapping[str, str], without_secrets: bool
) -> DispatcherError:
    """Where nothing but secrets is wrong, which is so wherever there are none, that is said."""
    if without_secrets:
        return error
    try:
        load(environ, secrets=False)
    except ConfigError:
        return error
    all_else = "all else is right: where there are no secrets, `check --without-secrets` is enough"
    return Failed(Exit.USAGE, f"{error}\n{all_else}")


def _become(verb: str, *arguments: str) -> NoReturn:
    """What acts on the cluster is another program: nothing of it is imported here."""
    sys.stdout.flush()
    sys.stderr.flush()
    # From where this package is, and never a `workers` that lies in the current directory.
    paths = [str(Path(dispatcher.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-P", "-m", "workers", verb, *arguments]
    os.execve(sys.executable, command, environ)  # noqa: S606  # without a shell, on purpose
