"""Repairs. Pure."""

from __future__ import annotations

from datetime import datetime

from rich.table import Table

from dispatcher.commands.formatting import age, plain
from dispatcher.commands.tables.layout import columns
from dispatcher.http.api.schemas.repairs import RepairList


def repairs(found: RepairList, now: datetime) -> Table:
    table = columns("AGE", "KIND", "TARGET", "WHAT")
    for each in found.repairs:
        table.add_row(age(each.at, now), each.kind, plain(each.target), plain(each.what))
    return table
