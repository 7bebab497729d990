"""`git-dispatcher repairs`."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.commands.options import Api, now, spread
from dispatcher.commands.tables.repairs import repairs as table


@spread
def repairs(
    api: Api,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="How many.")] = 20,
) -> None:
    """Lists what was found wrong and repaired, and how often."""
    with api.client() as client:
        found = client.repairs(limit)
    if api.as_data:
        api.write(found)
        return
    out = api.console()
    out.print(table(found, now()))
    counts = [f"{count} {kind}" for kind, count in found.counts.items() if count]
    out.print(f"in all: {', '.join(counts) or 'nothing'}")
