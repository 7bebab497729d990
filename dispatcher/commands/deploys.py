"""`git-dispatcher deploys`, and the commands for one deploy: show, cancel, release."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated

import typer

from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.listing import Listing, Watching
from dispatcher.commands.listing import show as list_them
from dispatcher.commands.options import Api, Asker, DeployName, TargetName, now, split_name, spread
from dispatcher.commands.tables.deploys import deploys as table
from dispatcher.commands.tables.deploys import details, log
from dispatcher.commands.tables.layout import Grid
from dispatcher.domain.errors import UsageError
from dispatcher.http.api.schemas.deploys import DeployDetail, DeployList, OrderAnswer


@spread
def deploys(
    target: TargetName,
    api: Api,
    watching: Watching,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, newest first.")] = 20,
) -> None:
    """Lists a target's deploys, newest first."""

    def draw(found: DeployList, now: datetime) -> Grid | str:
        if found.deploys:
            return table(found.deploys, now, wide=api.wide)
        return f"{target} was never deployed: push to it."

    list_them(api, watching, Listing(lambda client: client.deploys(target, limit), draw))


@spread
def show(deploy: DeployName, api: Api) -> None:
    """Shows one deploy in full, with the end of its log."""
    target, number = split_name(deploy)
    with api.client() as client:
        found = client.deploy(target, number)
    if api.as_data:
        api.write(found)
        return
    api.console().print(details(found, now()))
    if tail := log(found):
        print(f"\n{tail}")


@spread
def cancel(deploy: DeployName, asker: Asker, api: Api) -> None:
    """Stops a deploy, whether it waits or runs."""
    target, number = split_name(deploy)
    with api.client() as client:
        _print(client.cancel(target, number, reason=asker.reason, by=asker.name), api)


@spread
def release(
    deploy: DeployName,
    asker: Asker,
    api: Api,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
) -> None:
    """Continues without a deploy whose Pods do not terminate."""
    target, number = split_name(deploy)
    with api.client() as client:
        typer.echo(_warning(client.deploy(target, number)), err=True)
        if not yes:
            _confirm(deploy)
        _print(client.release(target, number, reason=asker.reason, by=asker.name), api)


def _print(answer: OrderAnswer, api: Api) -> None:
    if api.as_data:
        api.write(answer)
    else:
        print(f"{answer.deploy}: {answer.reason}")


def _warning(deploy: DeployDetail) -> str:
    return (
        f"To release {deploy.deploy} is to say that nothing of it runs any more. git-dispatcher cannot "
        "see that: if a Pod of it is still at work, the next deploy runs beside it.\n"
        f"Look first: kubectl get pods -n {deploy.namespace or 'NAMESPACE'} "
        f"-l git-dispatcher/target={deploy.target} -o wide"
    )


def _confirm(deploy: str) -> None:
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            "release asks for a confirmation, and there is no terminal: add --yes when you are sure"
        )
    if not typer.confirm(f"Release {deploy}?", err=True):
        raise Failed(Exit.FAILED, "the deploy was not released")
