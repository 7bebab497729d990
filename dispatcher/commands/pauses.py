"""`git-dispatcher pause` and `resume`: of one target, or of all."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.commands import completion
from dispatcher.commands.options import Api, Asker, spread
from dispatcher.commands.tables.targets import paused
from dispatcher.http.api.schemas.pauses import PauseAnswer

TargetOrAll = Annotated[
    str | None,
    typer.Argument(
        metavar="[TARGET]",
        help="Name of a target; else all of them.",
        autocompletion=completion.targets,
    ),
]


@spread
def pause(asker: Asker, api: Api, target: TargetOrAll = None) -> None:
    """Pauses a target, or all: nothing new starts."""
    with api.client() as client:
        answer = client.pause(target, reason=asker.reason, by=asker.name)
    message = f"{_name(answer)} is paused: no deploy starts, those that run continue"
    _print(answer, message, api)


@spread
def resume(asker: Asker, api: Api, target: TargetOrAll = None) -> None:
    """Resumes a target, or all that were paused together."""
    with api.client() as client:
        answer = client.resume(target, reason=asker.reason, by=asker.name)
    message = f"{_name(answer)} is resumed"
    if answer.paused:
        message = f"{_name(answer)} stays paused, since {paused(answer.paused)}"
    elif target is None:
        message += "; targets that were paused by name stay paused"
    _print(answer, message, api)


def _name(answer: PauseAnswer) -> str:
    return answer.target or "everything"


def _print(answer: PauseAnswer, message: str, api: Api) -> None:
    if api.as_data:
        api.write(answer)
    else:
        print(message)
