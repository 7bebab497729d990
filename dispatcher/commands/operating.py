"""Commands for operators, all through the API: stop, let go, hold, go on."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dispatcher.commands import tables
from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.options import (
    By,
    DeployName,
    Shown,
    StateDir,
    TokenFile,
    Url,
    Why,
    asker,
    client_of,
    split_name,
)
from dispatcher.commands.tables import Output, write_json
from dispatcher.errors import UsageError
from dispatcher.http.views import DeployDetail, OrderAnswer, PauseAnswer

TargetOrAll = Annotated[
    str | None, typer.Argument(metavar="[TARGET]", help="Name of a target; else all of them.")
]


def cancel(
    deploy: DeployName,
    reason: Why = "",
    by: By = None,
    url: Url = None,
    token_file: TokenFile = None,
    state_dir: StateDir = None,
    output: Shown = Output.TABLE,
) -> None:
    """Stops a deploy, whether it waits or runs."""
    target, number = split_name(deploy)
    with client_of(url, token_file, state_dir) as client:
        _told(client.cancel(target, number, reason=reason, by=asker(by)), output)


def release(
    deploy: DeployName,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    reason: Why = "",
    by: By = None,
    url: Url = None,
    token_file: TokenFile = None,
    state_dir: StateDir = None,
    output: Shown = Output.TABLE,
) -> None:
    """Goes on without a deploy whose Pods do not go."""
    target, number = split_name(deploy)
    with client_of(url, token_file, state_dir) as client:
        typer.echo(_warning(client.deploy(target, number)), err=True)
        if not yes:
            _confirm(deploy)
        _told(client.release(target, number, reason=reason, by=asker(by)), output)


def pause(
    target: TargetOrAll = None,
    reason: Why = "",
    by: By = None,
    url: Url = None,
    token_file: TokenFile = None,
    state_dir: StateDir = None,
    output: Shown = Output.TABLE,
) -> None:
    """Holds a target, or all: nothing starts, what runs goes on."""
    with client_of(url, token_file, state_dir) as client:
        answer = client.pause(target, reason=reason, by=asker(by))
    said = f"{_name(answer)} is paused: nothing new starts, what runs goes on"
    _switched(answer, said, output)


def resume(
    target: TargetOrAll = None,
    reason: Why = "",
    by: By = None,
    url: Url = None,
    token_file: TokenFile = None,
    state_dir: StateDir = None,
    output: Shown = Output.TABLE,
) -> None:
    """Lets a target go on, or all that was held at once."""
    with client_of(url, token_file, state_dir) as client:
        answer = client.resume(target, reason=reason, by=asker(by))
    said = f"{_name(answer)} goes on"
    if answer.paused:
        said = f"{_name(answer)} stays held, since {tables.paused(answer.paused)}"
    elif target is None:
        said += "; a target that was paused by its name stays so"
    _switched(answer, said, output)


def _name(answer: PauseAnswer) -> str:
    return answer.target or "everything"


def _told(answer: OrderAnswer, output: Output) -> None:
    if output is Output.JSON:
        write_json(answer)
    else:
        print(f"{answer.deploy}: {answer.reason}")


def _switched(answer: PauseAnswer, said: str, output: Output) -> None:
    if output is Output.JSON:
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
