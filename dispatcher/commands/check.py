"""`git-dispatcher check`: validates the configuration and shows what it means."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.commands.access import TOKEN, TOKEN_FILE, URL
from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.output import OfflineOutput, console, write_json
from dispatcher.commands.tables.configuration import Description, last_line, summary
from dispatcher.commands.tables.layout import tree
from dispatcher.commands.worker_program import exec_workers
from dispatcher.config import describe, load, mistyped_variables, warnings
from dispatcher.domain.errors import ConfigError, DispatcherError


def check(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", help="File or directory; else DISPATCHER_CONFIG."),
    ] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what it would change; needs REDIS_URL.")
    ] = False,
    without_secrets: Annotated[
        bool, typer.Option("--without-secrets", help="Look no secret up, as in CI, which has none.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Every setting, not a line for each target.")
    ] = False,
    output: Annotated[
        OfflineOutput, typer.Option("--output", "-o", help="Text, or JSON.")
    ] = OfflineOutput.TABLE,
) -> None:
    """Validates the configuration and shows what it means."""
    environ = {**os.environ, "DISPATCHER_CONFIG": str(path)} if path else os.environ
    try:
        configuration = load(environ, secrets=not without_secrets).configuration
    except ConfigError as error:
        if output is OfflineOutput.TABLE:
            raise _with_remedy(error, environ, without_secrets) from None
        write_json({"mistakes": error.mistakes})
        raise typer.Exit(Exit.USAGE) from None
    found = *mistyped_variables(os.environ, (URL, TOKEN, TOKEN_FILE)), *warnings(configuration)
    described, warned = describe(configuration), list(map(str, found))
    if diff:
        exec_workers("diff", output.value, str(path or ""))
    if output is OfflineOutput.JSON:
        write_json({**described, "warnings": warned})
        return
    _print(described, verbose=verbose)
    for warning in warned:
        typer.echo(f"warning: {warning}", err=True)
    console().print(last_line(described, len(warned), secrets=not without_secrets))


def _print(described: Description, *, verbose: bool) -> None:
    out = console()
    if verbose:
        for line in tree(described):
            out.print(line, style="bold" if not line.startswith(" ") else None)
        return
    for table in summary(described):
        out.print(table)
        out.print()


def _with_remedy(
    error: ConfigError, environ: Mapping[str, str], without_secrets: bool
) -> DispatcherError:
    """Adds a remedy if nothing but secrets is wrong, as on a machine that has none."""
    if without_secrets:
        return error
    try:
        load(environ, secrets=False)
    except ConfigError:
        return error
    all_else = "all else is right: where there are no secrets, `check --without-secrets` is enough"
    return Failed(Exit.USAGE, f"{error}\n{all_else}")
