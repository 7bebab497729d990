"""Repairs. Pure."""

from __future__ import annotations

from datetime import datetime

from dispatcher.commands.formatting import age, plain
from dispatcher.commands.tables.layout import Grid
from dispatcher.http.api.schemas.repairs import RepairList


def repairs(found: RepairList, now: datetime) -> Grid:
    table = Grid("AGE", "KIND", "TARGET", "WHAT", fold=True)
    for each in found.repairs:
        table.add_row(age(each.at, now), each.kind, plain(each.target), plain(each.what))
    return table
