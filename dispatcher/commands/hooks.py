"""`git-dispatcher hooks`."""

from __future__ import annotations

from dispatcher.commands.options import Api, now, spread
from dispatcher.commands.tables.hooks import counts
from dispatcher.commands.tables.hooks import hooks as table


@spread
def hooks(api: Api) -> None:
    """Lists the hooks, and when each secret was last used."""
    with api.client() as client:
        found = client.hooks()
    if api.as_data:
        api.write(found)
        return
    out = api.console()
    out.print(table(found.hooks, now()))
    if found.unknown:
        out.print(f"to unknown hooks: {counts(found.unknown)}")
