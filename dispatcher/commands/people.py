"""Commands for people, all through the API: what there is, what happened, once more."""

from __future__ import annotations

import time
from typing import Annotated
from uuid import uuid4

import typer

from dispatcher.commands import tables
from dispatcher.commands.client import Client
from dispatcher.commands.exits import Exit
from dispatcher.commands.following import follow
from dispatcher.commands.options import (
    By,
    DeployName,
    Shown,
    StateDir,
    TargetName,
    TokenFile,
    Url,
    Why,
    asker,
    client_of,
    now,
    split_name,
)
from dispatcher.commands.tables import Output, console, write_json


def targets(
    url: Url = None,
    token_file: TokenFile = None,
    state_dir: StateDir = None,
    output: Shown = Output.TABLE,
) -> None:
    """Lists the targets: what runs, what waits, what was last."""
    with client_of(url, token_file, state_dir) as client:
        found = client.targets()
    if output is Output.JSON:
        write_json(found)
    elif found.targets:
        console().print(tables.targets(found.targets, now()))
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
    with client_of(url, token_file, state_dir) as client:
        found = client.deploys(target, limit)
    if output is Output.JSON:
        write_json(found)
    elif found.deploys:
        console().print(tables.deploys(found.deploys, now()))
    else:
        print(f"{target} was never deployed: push to it.")


def show(
    deploy: DeployName,
    url: Url = None,
    token_file: TokenFile = None,
    state_dir: StateDir = None,
    output: Shown = Output.TABLE,
) -> None:
    """Shows all that is known of one deploy, with the end of its log."""
    target, number = split_name(deploy)
    with client_of(url, token_file, state_dir) as client:
        found = client.deploy(target, number)
    if output is Output.JSON:
        write_json(found)
        return
    console().print(tables.facts(found, now()))
    if tail := tables.log(found):
        print(f"\n{tail}")


def logs(
    deploy: DeployName,
    url: Url = None,
    token_file: TokenFile = None,
    state_dir: StateDir = None,
    output: Shown = Output.TABLE,
) -> None:
    """Prints what was kept of a deploy's log."""
    target, number = split_name(deploy)
    with client_of(url, token_file, state_dir) as client:
        found = client.deploy(target, number)
    if output is Output.JSON:
        write_json(found)
    elif tail := tables.log(found):
        print(tail)
    else:
        typer.echo(tables.no_log(found), err=True)


def redeploy(
    target: TargetName,
    reason: Why = "",
    by: By = None,
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
    with client_of(url, token_file, state_dir) as client:
        answer = client.redeploy(target, reason=reason, by=asker(by), request=str(uuid4()))
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
