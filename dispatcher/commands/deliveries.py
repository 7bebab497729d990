"""`git-dispatcher deliveries`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from dispatcher.commands.listing import Listing, Watching, show
from dispatcher.commands.options import Api, now, spread
from dispatcher.commands.tables.deliveries import deliveries as table
from dispatcher.commands.tables.deliveries import details, results
from dispatcher.commands.tables.explanations import explanations
from dispatcher.commands.tables.layout import Grid
from dispatcher.http.api.schemas.deliveries import DeliveryDetail, DeliveryList


@spread
def deliveries(
    api: Api,
    watching: Watching,
    delivery: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Only this one, in full.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
) -> None:
    """Lists what Git hosts delivered, or shows one delivery."""
    if delivery is not None:
        with api.client() as client:
            _show(client.delivery(delivery), api)
        return

    def draw(found: DeliveryList, now: datetime) -> Grid | str:
        if found.deliveries:
            return table(found.deliveries, now, wide=api.wide)
        return "The delivery log is empty: no authenticated delivery has arrived lately."

    show(api, watching, Listing(lambda client: client.deliveries(limit), draw))


def _show(found: DeliveryDetail, api: Api) -> None:
    if api.as_data:
        api.write(found)
        return
    out = api.console()
    out.print(details(found, now()))
    if found.results:
        out.print("\nresults")
        out.print(results(found))
    if found.explanations:
        out.print("\nby the present configuration")
        out.print(explanations(found.explanations))
