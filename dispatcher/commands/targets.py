"""`git-dispatcher targets`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from dispatcher.commands.client import Client
from dispatcher.commands.listing import Listing, Watching, show
from dispatcher.commands.options import Api, Namespace, spread
from dispatcher.commands.tables.layout import Grid
from dispatcher.commands.tables.targets import matching
from dispatcher.commands.tables.targets import targets as table
from dispatcher.http.api.schemas.targets import TargetList


@spread
def targets(
    api: Api,
    watching: Watching,
    failed: Annotated[
        bool, typer.Option("--failed", help="Those whose last deploy failed.")
    ] = False,
    trouble: Annotated[
        bool, typer.Option("--trouble", help="Those that something holds up, or somebody.")
    ] = False,
    namespace: Namespace = None,
) -> None:
    """Lists the targets: what runs, what waits, the last deploy."""
    is_filtered = failed or trouble or namespace is not None

    def look(client: Client) -> TargetList:
        every = client.targets().targets
        return TargetList(matching(every, failed=failed, trouble=trouble, namespace=namespace))

    def draw(found: TargetList, now: datetime) -> Grid | str:
        if found.targets:
            return table(found.targets, now, wide=api.wide)
        if is_filtered:
            return "No target is like that."
        return "There are no targets: add one to the configuration."

    show(api, watching, Listing(look, draw))
