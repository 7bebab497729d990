"""`git-dispatcher status`, and `git-dispatcher system`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import typer
from rich.console import RenderableType

from dispatcher.commands.client import Client
from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.listing import Listing, Watching, show
from dispatcher.commands.options import Api, spread
from dispatcher.commands.tables.layout import Grid
from dispatcher.commands.tables.overview import Answers, Status, status_of
from dispatcher.commands.tables.status import processes as table
from dispatcher.commands.tables.status import status as screen
from dispatcher.http.api.schemas.processes import ProcessList

T = TypeVar("T")


@spread
def status(api: Api, watching: Watching) -> None:
    """Shows whether everything is all right, else what comes first."""

    def draw(found: Status, now: datetime) -> RenderableType:
        return screen(found, now)

    found = show(api, watching, Listing(lambda client: status_of(_ask(client)), draw))
    raise typer.Exit(Exit.DONE if found.ok else Exit.FAILED)


@spread
def system(api: Api, watching: Watching) -> None:
    """Lists the processes: those alive, late, and lately gone."""

    def draw(found: ProcessList, now: datetime) -> Grid:
        grid = table(found.processes, now)
        grid.end(f"workers: {found.workers}; configuration: {found.configuration}")
        return grid

    show(api, watching, Listing(lambda client: client.processes(), draw))


def _ask(client: Client) -> Answers:
    """Raises Failed if web does not answer at all, or refuses the token."""
    unanswered: dict[str, str] = {}
    ready = client.ready()

    def ask(what: str, question: Callable[[], T]) -> T | None:
        try:
            return question()
        except Failed as error:
            if error.status == 403:  # not for a token that is limited to some targets
                return None
            if error.code is not Exit.UNAVAILABLE:
                raise
            unanswered[what] = str(error)
            return None

    return Answers(
        ready=ready,
        targets=ask("targets", client.targets),
        queue=ask("queue", lambda: client.queue(1, {})),
        processes=ask("processes", client.processes),
        hooks=ask("hooks", client.hooks),
        unanswered=unanswered,
    )
