"""`git-dispatcher pause` and `resume`: of one target, or of all."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.commands.options import Api, Asker, spread
from dispatcher.commands.output import write_json
from dispatcher.commands.tables.targets import paused
from dispatcher.http.api.views import PauseAnswer

TargetOrAll = Annotated[
    str | None, typer.Argument(metavar="[TARGET]", help="Name of a target; else all of them.")
]


@spread
def pause(asker: Asker, api: Api, target: TargetOrAll = None) -> None:
    """Holds a target, or all: nothing starts, what runs goes on."""
    with api.client() as client:
        answer = client.pause(target, reason=asker.reason, by=asker.name)
    said = f"{_name(answer)} is paused: nothing new starts, what runs goes on"
    _print(answer, said, api)


@spread
def resume(asker: Asker, api: Api, target: TargetOrAll = None) -> None:
    """Lets a target go on, or all that was held at once."""
    with api.client() as client:
        answer = client.resume(target, reason=asker.reason, by=asker.name)
    said = f"{_name(answer)} goes on"
    if answer.paused:
        said = f"{_name(answer)} stays held, since {paused(answer.paused)}"
    elif target is None:
        said += "; a target that was paused by its name stays so"
    _print(answer, said, api)


def _name(answer: PauseAnswer) -> str:
    return answer.target or "everything"


def _print(answer: PauseAnswer, said: str, api: Api) -> None:
    if api.as_json:
        write_json(answer)
    else:
        print(said)
