"""Commands for operators, all through the API: stop, let go, hold, go on."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dispatcher.commands import tables
from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.options import Api, Asker, DeployName, now, split_name, spread
from dispatcher.commands.tables import write_json
from dispatcher.domain.errors import UsageError
from dispatcher.http.api.views import DeployDetail, OrderAnswer, PauseAnswer

TargetOrAll = Annotated[
    str | None, typer.Argument(metavar="[TARGET]", help="Name of a target; else all of them.")
]


@spread
def cancel(deploy: DeployName, asker: Asker, api: Api) -> None:
    """Stops a deploy, whether it waits or runs."""
    target, number = split_name(deploy)
    with api.client() as client:
        _told(client.cancel(target, number, reason=asker.reason, by=asker.name), api)


@spread
def release(
    deploy: DeployName,
    asker: Asker,
    api: Api,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
) -> None:
    """Goes on without a deploy whose Pods do not go."""
    target, number = split_name(deploy)
    with api.client() as client:
        typer.echo(_warning(client.deploy(target, number)), err=True)
        if not yes:
            _confirm(deploy)
        _told(client.release(target, number, reason=asker.reason, by=asker.name), api)


@spread
def pause(asker: Asker, api: Api, target: TargetOrAll = None) -> None:
    """Holds a target, or all: nothing starts, what runs goes on."""
    with api.client() as client:
        answer = client.pause(target, reason=asker.reason, by=asker.name)
    said = f"{_name(answer)} is paused: nothing new starts, what runs goes on"
    _switched(answer, said, api)


@spread
def resume(asker: Asker, api: Api, target: TargetOrAll = None) -> None:
    """Lets a target go on, or all that was held at once."""
    with api.client() as client:
        answer = client.resume(target, reason=asker.reason, by=asker.name)
    said = f"{_name(answer)} goes on"
    if answer.paused:
        said = f"{_name(answer)} stays held, since {tables.paused(answer.paused)}"
    elif target is None:
        said += "; a target that was paused by its name stays so"
    _switched(answer, said, api)


@spread
def repairs(
    api: Api,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="How many.")] = 20,
) -> None:
    """Shows what was found wrong and put right, and how often."""
    with api.client() as client:
        found = client.repairs(limit)
    if api.as_json:
        write_json(found)
        return
    out = tables.console()
    out.print(tables.repairs(found, now()))
    counts = [f"{count} {kind}" for kind, count in found.counts.items() if count]
    out.print(f"since ever: {', '.join(counts) or 'nothing'}")


def _name(answer: PauseAnswer) -> str:
    return answer.target or "everything"


def _told(answer: OrderAnswer, api: Api) -> None:
    if api.as_json:
        write_json(answer)
    else:
        print(f"{answer.deploy}: {answer.reason}")


def _switched(answer: PauseAnswer, said: str, api: Api) -> None:
    if api.as_json:
        write_json(answer)
    else:
        print(said)


def _warning(deploy: DeployDetail) -> str:
    return (
        f"To release {deploy.deploy} is to say that nothing of it runs any more. git-dispatcher cannot "
        "see that: if a Pod of it is still at work, the next deploy runs beside it.\n"
        f"Look first: kubectl get pods -n {deploy.namespace or 'NAMESPACE'} "
        f"-l git-dispatcher/target={deploy.target} -o wide"
    )


def _confirm(deploy: str) -> None:
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked: say --yes when you are sure")
    if not typer.confirm(f"Release {deploy}?", err=True):
        raise Failed(Exit.FAILED, "nothing was released")
