"""How tables and pages look. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.table import Table
from rich.text import Text

from dispatcher.commands.formatting import plain


def columns(*names: str) -> Table:
    """An empty table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in names:
        last = column in ("TITLE", "TROUBLE", "FOLLOWS", "WHAT")
        table.add_column(column, no_wrap=True, overflow="ellipsis" if last else "fold")
    return table


def page(pairs: Iterable[tuple[str, str | Text]]) -> Table:
    """Names and values, without empty ones."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        if value:
            table.add_row(name, value)
    return table


def tree(body: dict[str, Any], depth: int = 0) -> list[str]:
    """Nested plain data as indented lines, without empty values."""
    found = []
    for name, value in body.items():
        indent = "  " * depth
        if isinstance(value, dict) and value:
            found += [f"{indent}{name}", *tree(value, depth + 1)]
        elif value not in ((), [], {}, "", None):
            found.append(f"{indent}{name}: {_scalar(value)}")
    return found


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_scalar, value))
    return plain(str(value))
