"""Waits for what has to happen, and prints each change until it has ended."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import typer

from dispatcher.commands.changes import Changes
from dispatcher.commands.client import Client
from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.formatting import plain, span
from dispatcher.commands.options import Api, split_name
from dispatcher.commands.progress import Progress
from dispatcher.domain.deploy import TERMINAL, State
from dispatcher.http.api.schemas.deploys import DeployInfo

EVERY = 1.0
"""Seconds between two requests where no event can say when to ask again."""
AT_LEAST_EVERY = 15.0
"""The same where events do: one that was lost does no harm."""
TICK = 1.0
"""Seconds between two updates of the progress line."""


@dataclass(frozen=True)
class Standing:
    """How things stand."""

    line: str
    exit: Exit | None = None
    """None while it goes on."""
    body: object = None
    """The API's answer about it."""


class Pulse(Protocol):
    """Says when it is time to look again."""

    @property
    def live(self) -> bool: ...

    def wait(self, seconds: float) -> bool: ...


def follow(
    look: Callable[[], Standing],
    timeout: float,
    *,
    changes: Pulse,
    say: Callable[[str], None],
    progress: Callable[[str], None],
    clock: Callable[[], float],
) -> Standing:
    """How it ended. It also waits for a server that does not answer for a while. Raises Failed after
    `timeout` seconds, with how things stood."""
    began, printed = clock(), ""
    ends = began + timeout
    while True:
        found = _look(look)
        if found.line != printed:
            say(found.line)
        printed = found.line
        if found.exit is not None:
            return found
        changed, again = False, min(ends, clock() + (AT_LEAST_EVERY if changes.live else EVERY))
        while not changed and clock() < again:
            progress(f"{printed}, waited for {span(clock() - began)}")
            changed = changes.wait(min(TICK, again - clock()))
        if clock() >= ends:
            raise Failed(
                Exit.UNAVAILABLE, f"after {span(timeout)} it has not ended: {printed}; it goes on"
            )


def _look(look: Callable[[], Standing]) -> Standing:
    try:
        return look()
    except Failed as error:
        if error.code is not Exit.UNAVAILABLE:
            raise
        return Standing(f"waiting: {error}")


def standing_of(deploy: DeployInfo) -> Standing:
    code = None
    if deploy.state in TERMINAL:
        code = Exit.DONE if deploy.state is State.SUCCEEDED else Exit.FAILED
    return Standing(_line(deploy), code, deploy)


def _line(deploy: DeployInfo) -> str:
    words = f"{deploy.deploy} {deploy.state}"
    if deploy.state in TERMINAL and deploy.duration is not None:
        words += f" after {span(deploy.duration)}"
    if deploy.superseded_by:
        words += f" by {deploy.superseded_by}"
    return f"{words}: {plain(deploy.why)}" if deploy.why else words


def follow_to_end(client: Client, look: Callable[[], Standing], timeout: int, api: Api) -> Exit:
    """Prints each change, and returns how it ended. With `--output json` standard output has only the
    last answer."""
    with Progress(sys.stderr) as progress, Changes(client) as changes:
        try:
            last = follow(
                look,
                timeout,
                changes=changes,
                say=progress.line(lambda line: typer.echo(line, err=api.as_data)),
                progress=progress.show,
                clock=time.monotonic,
            )
        except KeyboardInterrupt:
            raise Failed(Exit.INTERRUPTED, "interrupted: what was waited for goes on") from None
    if api.as_data:
        api.write(last.body)
    return last.exit or Exit.DONE


def follow_deploy(client: Client, deploy: str, timeout: int, api: Api) -> Exit:
    """The same for one deploy."""
    target, number = split_name(deploy)
    return follow_to_end(client, lambda: standing_of(client.deploy(target, number)), timeout, api)
