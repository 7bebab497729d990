"""Which targets would deploy a push, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from dispatcher.commands.formatting import plain
from dispatcher.commands.tables.layout import Grid
from dispatcher.domain.refs import short_ref
from dispatcher.matching.evaluation import Explanation


def explanations(found: Iterable[Explanation]) -> Grid:
    """A table of the results. Long reasons are wrapped, never cut."""
    table = Grid("TARGET", "REF", "RUNS", "WHY", fold=True)
    for each in found:
        runs = Text("yes", "green") if each.wanted else Text("no", "yellow")
        table.add_row(each.target, plain(short_ref(each.ref)), runs, plain(each.reason))
    return table
