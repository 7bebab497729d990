"""Follows a deploy until it has ended, and prints each change."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import typer

from dispatcher.commands.client import Client
from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.formatting import plain, span
from dispatcher.commands.options import Api, split_name
from dispatcher.commands.progress import Progress
from dispatcher.domain.deploy import TERMINAL, State
from dispatcher.http.api.schemas.deploys import DeployDetail

EVERY = 1.0
"""Seconds between two requests."""


def follow(
    look: Callable[[], DeployDetail],
    timeout: float,
    *,
    say: Callable[[str], None],
    progress: Callable[[str], None],
    sleep: Callable[[float], None],
    clock: Callable[[], float],
) -> tuple[Exit, DeployDetail]:
    """DONE if it succeeded, FAILED if it ended otherwise, with the deploy's last known state.

    It also waits for a server that does not answer for a while. Raises Failed after `timeout` seconds.
    """
    began, printed = clock(), ""
    ends = began + timeout
    while True:
        found, trouble = _look(look)
        line = _line(found) if found else trouble
        if line != printed:
            say(line)
        printed = line
        if found and found.state in TERMINAL:
            return (Exit.DONE if found.state is State.SUCCEEDED else Exit.FAILED), found
        if clock() + EVERY > ends:
            message = f"the deploy has not ended after {span(timeout)}: it continues, and is no longer followed"
            raise Failed(Exit.UNAVAILABLE, message)
        progress(f"{printed}, followed for {span(clock() - began)}")
        sleep(EVERY)


def _look(look: Callable[[], DeployDetail]) -> tuple[DeployDetail | None, str]:
    try:
        return look(), ""
    except Failed as error:
        if error.code is not Exit.UNAVAILABLE:
            raise
        return None, f"waiting: {error}"


def _line(deploy: DeployDetail) -> str:
    words = f"{deploy.deploy} {deploy.state}"
    if deploy.state in TERMINAL and deploy.duration is not None:
        words += f" after {span(deploy.duration)}"
    if deploy.superseded_by:
        words += f" by {deploy.superseded_by}"
    return f"{words}: {plain(deploy.why)}" if deploy.why else words


def follow_to_end(client: Client, deploy: str, timeout: int, api: Api) -> Exit:
    """Follows a deploy, prints each change, and returns how it ended."""
    target, number = split_name(deploy)
    with Progress(sys.stderr) as progress:
        code, last = follow(
            lambda: client.deploy(target, number),
            timeout,
            say=progress.line(lambda line: typer.echo(line, err=api.as_data)),
            progress=progress.show,
            sleep=time.sleep,
            clock=time.monotonic,
        )
    if api.as_data:
        api.write(last)
    return code
