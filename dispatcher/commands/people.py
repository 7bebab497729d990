"""Commands for people, all through the API: what there is, what happened, once more."""

from __future__ import annotations

import getpass
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from dispatcher.commands import tables
from dispatcher.commands.access import TOKEN, URL, find_access
from dispatcher.commands.client import Client
from dispatcher.commands.exits import Exit
from dispatcher.commands.following import follow
from dispatcher.commands.tables import Output, console, write_json
from dispatcher.errors import UsageError

Url = Annotated[
    str | None,
    typer.Option("--url", help=f"Where git-dispatcher is; else {URL}, or what `up` left behind."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", help=f"File with the API token; else {TOKEN} or {TOKEN}_FILE."),
]
StateDir = Annotated[
    Path | None,
    typer.Option("--state-dir", help="State directory of `up`; else .dispatcher, if it is there."),
]
Shown = Annotated[
    Output, typer.Option("--output", "-o", help="A table for people, or the API's JSON.")
]
TargetName = Annotated[str, typer.Argument(metavar="TARGET", help="Name of a target.")]


def targets(
    url: Url = None,
    token_file: TokenFile = None,
    state_dir: StateDir = None,
    output: Shown = Output.TABLE,
) -> None:
    """Lists the targets: what runs, what waits, what was last."""
    with _client(url, token_file, state_dir) as client:
        found = client.targets()
    if output is Output.JSON:
        write_json(found)
    elif found.targets:
        console().print(tables.targets(found.targets, _now()))
    else:
        print("There are no targets: add one to the configuration.")


def deploys(
    target: TargetName,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, newest first.")] = 20,
    url: Url = None,
    token_file: TokenFile = None,
    state_dir: StateDir = None,
    output: Shown = Output.TABLE,
) -> None:
    """Lists a target's deploys, newest first."""
    with _client(url, token_file, state_dir) as client:
        found = client.deploys(target, limit)
    if output is Output.JSON:
        write_json(found)
    elif found.deploys:
        console().print(tables.deploys(found.deploys, _now()))
    else:
        print(f"{target} was never deployed: push to it.")


def show(
    deploy: Annotated[str, typer.Argument(metavar="TARGET/NUMBER", help="Like shop/42.")],
    url: Url = None,
    token_file: TokenFile = None,
    state_dir: StateDir = None,
    output: Shown = Output.TABLE,
) -> None:
    """Shows all that is known of one deploy, with the end of its log."""
    target, number = split_name(deploy)
    with _client(url, token_file, state_dir) as client:
        found = client.deploy(target, number)
    if output is Output.JSON:
        write_json(found)
        return
    console().print(tables.facts(found, _now()))
    if tail := tables.log(found):
        print(f"\n{tail}")


def redeploy(
    target: TargetName,
    reason: Annotated[str, typer.Option(help="Why, for those who look at it later.")] = "",
    by: Annotated[str | None, typer.Option(help="Who asks; else your user name.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until it is over.")] = False,
    timeout: Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="How long --wait waits at the most.")
    ] = 3600,
    url: Url = None,
    token_file: TokenFile = None,
    state_dir: StateDir = None,
    output: Shown = Output.TABLE,
) -> None:
    """Deploys a target's newest commit once more."""
    as_json = output is Output.JSON
    with _client(url, token_file, state_dir) as client:
        asked_by = _user() if by is None else by
        answer = client.redeploy(target, reason=reason, by=asked_by, request=str(uuid4()))
        if as_json and not wait:
            write_json(answer)
        else:
            typer.echo(f"{answer.deploy}: {answer.reason}", err=as_json)
        code = _wait(client, answer.deploy, timeout, as_json=as_json) if wait else Exit.DONE
    raise typer.Exit(code)


def _wait(client: Client, deploy: str, timeout: int, *, as_json: bool) -> Exit:
    target, number = split_name(deploy)
    code, last = follow(
        lambda: client.deploy(target, number),
        timeout,
        say=lambda line: typer.echo(line, err=as_json),
        sleep=time.sleep,
        clock=time.monotonic,
    )
    if as_json:
        write_json(last)
    return code


def split_name(name: str) -> tuple[str, int]:
    """`shop/42` in its parts. Raises UsageError."""
    target, slash, number = name.partition("/")
    if not (target and slash and number.isascii() and number.isdigit() and len(number) < 16):
        raise UsageError(f"{name!r} is not a deploy: write it like shop/42")
    return target, int(number)


def _client(url: str | None, token_file: Path | None, state_dir: Path | None) -> Client:
    access = find_access(
        os.environ, url=url, token_file=token_file, state_dir=state_dir, cwd=Path.cwd()
    )
    return Client(access)


def _user() -> str:
    try:
        return getpass.getuser()[:100]
    except (OSError, KeyError, ImportError):  # a user id without a name
        return ""


def _now() -> datetime:
    return datetime.now(UTC)
