"""What became of a commit. Pure."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text

from dispatcher.commands.formatting import age, plain
from dispatcher.commands.tables.layout import Grid
from dispatcher.domain.commit_history import CommitState
from dispatcher.http.api.schemas.commits import CommitPage

STYLES = {
    CommitState.DEPLOYED: "green",
    CommitState.ACTIVE: "cyan",
    CommitState.WAITING: "yellow",
    CommitState.FAILED: "bold red",
    CommitState.REJECTED: "bold red",
}


def commit(found: CommitPage, now: datetime) -> Grid:
    """A row for each target of the repository."""
    names = ("TARGET", "BECAME", "BY", "AGE", "DELIVERY")
    grid = Grid(*names, spare=("DELIVERY",), note="WHY")
    for each in found.targets:
        newest = next(iter(each.deploys), None)
        grid.add_row(
            each.target,
            Text(each.became, STYLES.get(each.became, "dim")),
            each.by or "",
            age(newest.ended_at or newest.created_at, now) if newest else "",
            plain(each.delivery or ""),
            note=plain(each.explanation),
        )
    return grid
