"""Follows a deploy until it is over, and says what changes. The clock and the sleep are passed in."""

from __future__ import annotations

from collections.abc import Callable

from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.formatting import plain, span
from dispatcher.domain.model import TERMINAL, State
from dispatcher.http.api.views import DeployDetail

EVERY = 1.0
"""Seconds between two looks."""


def follow(
    look: Callable[[], DeployDetail],
    timeout: float,
    *,
    say: Callable[[str], None],
    sleep: Callable[[float], None],
    clock: Callable[[], float],
) -> tuple[Exit, DeployDetail]:
    """DONE if it succeeded, FAILED if it ended otherwise, with the deploy as it was last seen.

    A server that is away for a moment is waited for. Raises Failed when the time, in seconds, is up.
    """
    ends, said = clock() + timeout, ""
    while True:
        found, trouble = _look(look)
        line = _line(found) if found else trouble
        if line != said:
            say(line)
        said = line
        if found and found.state in TERMINAL:
            return (Exit.DONE if found.state is State.SUCCEEDED else Exit.FAILED), found
        if clock() + EVERY > ends:
            message = f"not over after {span(timeout)}, and it goes on without being watched"
            raise Failed(Exit.UNAVAILABLE, message)
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
