"""`git-dispatcher commit`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from msgspec.structs import replace

from dispatcher.commands.client import Client
from dispatcher.commands.listing import Listing, Watching, show
from dispatcher.commands.options import Api, full_commit, spread
from dispatcher.commands.tables.commits import commit as table
from dispatcher.commands.tables.layout import Grid
from dispatcher.http.api.schemas.commits import CommitPage


@spread
def commit(
    repository: Annotated[
        str, typer.Argument(metavar="REPOSITORY", help="Its URL, or github.com/acme/shop.")
    ],
    sha: Annotated[str, typer.Argument(metavar="SHA", help="The commit's full name.")],
    api: Api,
    watching: Watching,
) -> None:
    """Shows what became of a commit at every target."""
    full = full_commit(sha)

    def look(client: Client) -> CommitPage:
        found = client.commit(repository, full)
        while found.next:
            more = client.commit(repository, full, found.next)
            found = replace(more, targets=(*found.targets, *more.targets))
        return found

    def draw(found: CommitPage, now: datetime) -> Grid:
        return table(found, now)

    show(api, watching, Listing(look, draw))
