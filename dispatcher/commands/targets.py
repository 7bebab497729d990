"""`git-dispatcher targets`."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.commands.options import Api, now, spread
from dispatcher.commands.tables.targets import matching
from dispatcher.commands.tables.targets import targets as table
from dispatcher.http.api.schemas.targets import TargetList


@spread
def targets(
    api: Api,
    failed: Annotated[
        bool, typer.Option("--failed", help="Those whose last deploy failed.")
    ] = False,
    trouble: Annotated[
        bool, typer.Option("--trouble", help="Those that something holds up, or somebody.")
    ] = False,
    namespace: Annotated[
        str | None, typer.Option("--namespace", metavar="NAME", help="Those that deploy there.")
    ] = None,
) -> None:
    """Lists the targets: what runs, what waits, the last deploy."""
    with api.client() as client:
        every = client.targets().targets
    found = matching(every, failed=failed, trouble=trouble, namespace=namespace)
    if api.as_data:
        api.write(TargetList(found))
    elif found:
        api.console().print(table(found, now(), wide=api.wide))
    elif every:
        print(f"None of the {len(every)} targets is like that.")
    else:
        print("There are no targets: add one to the configuration.")
