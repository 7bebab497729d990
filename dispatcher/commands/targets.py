"""`git-dispatcher targets`."""

from __future__ import annotations

from dispatcher.commands.options import Api, now, spread
from dispatcher.commands.output import console, write_json
from dispatcher.commands.tables.targets import targets as table


@spread
def targets(api: Api) -> None:
    """Lists the targets: what runs, what waits, the last deploy."""
    with api.client() as client:
        found = client.targets()
    if api.as_json:
        write_json(found)
    elif found.targets:
        console().print(table(found.targets, now()))
    else:
        print("There are no targets: add one to the configuration.")
