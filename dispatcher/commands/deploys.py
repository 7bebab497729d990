"""Commands for people, all through the API: what there is, what happened, once more."""

from __future__ import annotations

import time
from typing import Annotated
from uuid import uuid4

import typer

from dispatcher.commands import tables
from dispatcher.commands.client import Client
from dispatcher.commands.exits import Exit
from dispatcher.commands.follow import follow
from dispatcher.commands.options import Api, Asker, DeployName, TargetName, now, split_name, spread
from dispatcher.commands.tables import console, write_json


@spread
def targets(api: Api) -> None:
    """Lists the targets: what runs, what waits, what was last."""
    with api.client() as client:
        found = client.targets()
    if api.as_json:
        write_json(found)
    elif found.targets:
        console().print(tables.targets(found.targets, now()))
    else:
        print("There are no targets: add one to the configuration.")


@spread
def deploys(
    target: TargetName,
    api: Api,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, newest first.")] = 20,
) -> None:
    """Lists a target's deploys, newest first."""
    with api.client() as client:
        found = client.deploys(target, limit)
    if api.as_json:
        write_json(found)
    elif found.deploys:
        console().print(tables.deploys(found.deploys, now()))
    else:
        print(f"{target} was never deployed: push to it.")


@spread
def show(deploy: DeployName, api: Api) -> None:
    """Shows all that is known of one deploy, with the end of its log."""
    target, number = split_name(deploy)
    with api.client() as client:
        found = client.deploy(target, number)
    if api.as_json:
        write_json(found)
        return
    console().print(tables.facts(found, now()))
    if tail := tables.log(found):
        print(f"\n{tail}")


@spread
def logs(deploy: DeployName, api: Api) -> None:
    """Prints what was kept of a deploy's log."""
    target, number = split_name(deploy)
    with api.client() as client:
        found = client.deploy(target, number)
    if api.as_json:
        write_json(found)
    elif tail := tables.log(found):
        print(tail)
    else:
        typer.echo(tables.no_log(found), err=True)


@spread
def redeploy(
    target: Annotated[
        str, typer.Argument(metavar="TARGET[/NUMBER]", help="Like shop, or shop/41.")
    ],
    asker: Asker,
    api: Api,
    commit: Annotated[
        str | None, typer.Option(metavar="SHA", help="This commit, by its full name.")
    ] = None,
    ref: Annotated[
        str | None, typer.Option(help="This branch or tag; else that of the newest deploy.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until it is over.")] = False,
    timeout: Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="How long --wait waits at the most.")
    ] = 3600,
) -> None:
    """Deploys once more: the newest deploy, or what you name."""
    name, number = split_name(target) if "/" in target else (target, None)
    with api.client() as client:
        answer = client.redeploy(
            name,
            reason=asker.reason,
            by=asker.name,
            commit=commit,
            ref=ref,
            deploy=number,
            request=str(uuid4()),
        )
        if api.as_json and not wait:
            write_json(answer)
        else:
            typer.echo(f"{answer.deploy}: {answer.reason}", err=api.as_json)
        code = wait_for(client, answer.deploy, timeout, as_json=api.as_json) if wait else Exit.DONE
    raise typer.Exit(code)


def wait_for(client: Client, deploy: str, timeout: int, *, as_json: bool) -> Exit:
    """Follows a deploy, says what changes, and returns how it ended."""
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
