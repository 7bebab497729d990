"""`git-dispatcher queue`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from dispatcher.commands.listing import Listing, Watching, show
from dispatcher.commands.options import Api, Namespace, TargetGlob, spread
from dispatcher.commands.tables.layout import Grid
from dispatcher.commands.tables.queue import queue as table
from dispatcher.domain.waiting import WaitsFor
from dispatcher.http.api.schemas.queue import QueuePage


@spread
def queue(
    api: Api,
    watching: Watching,
    target: TargetGlob = None,
    namespace: Namespace = None,
    waits_for: Annotated[
        WaitsFor | None, typer.Option("--waits-for", help="Those that wait for this.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, longest first.")] = 100,
) -> None:
    """Lists the deploys that wait, and what for."""

    def draw(found: QueuePage, now: datetime) -> Grid | str:
        return table(found, now, wide=api.wide) if found.total else "Nothing waits."

    filters = {"target": target, "namespace": namespace, "waits_for": waits_for}
    show(api, watching, Listing(lambda client: client.queue(limit, filters), draw))
