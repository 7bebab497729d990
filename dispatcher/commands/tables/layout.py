"""How tables and pages look. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

from dispatcher.commands.formatting import plain

BOUNDLESS = 10_000
"""Columns where lines are not fitted to a terminal: in a pipe, and with `--output wide`."""
GAP = 2
"""Spaces between two columns."""
LEAST = 12
"""Columns that a cell keeps however much of it is cut."""
Cell = str | Text


@dataclass(frozen=True)
class Row:
    cells: tuple[Cell, ...]
    note: Text


class Grid:
    """A table that fits its terminal, also a narrow one.

    It first leaves out the columns `spare`, in their order, then cuts cells of the columns `cut`, the last
    first. The last column is wrapped if it is `fold`. The cell `note` has lines of its own under its row; where
    lines are not fitted it is the last column.
    """

    def __init__(
        self,
        *names: str,
        spare: Sequence[str] = (),
        cut: Sequence[str] = (),
        fold: bool = False,
        note: str = "",
    ) -> None:
        self._names, self._spare, self._cut = names, spare, cut
        self._fold, self._note = fold, note
        self._rows: list[Row] = []
        self._end = ""

    @property
    def row_count(self) -> int:
        return len(self._rows)

    def add_row(self, *cells: Cell, note: Cell = "") -> None:
        self._rows.append(Row(cells, _text(note)))

    def end(self, line: str) -> None:
        """A line below the table."""
        self._end = line

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        width = options.max_width
        beside = bool(self._note) and width >= BOUNDLESS
        names = (*self._names, self._note) if beside else self._names
        rows = [(*row.cells, row.note) if beside else row.cells for row in self._rows]
        widths = self._widths(names, rows, width)
        yield _line([Text(name, "bold") for name in names if name in widths], [*widths.values()])
        for cells, row in zip(rows, self._rows, strict=True):
            shown = [cell for name, cell in zip(names, cells, strict=True) if name in widths]
            yield from self._lines(console, shown, [*widths.values()])
            if row.note and not beside:
                for part in row.note.wrap(console, max(LEAST, width - GAP)):
                    part.rstrip()
                    yield _whole(Text(" " * GAP).append_text(part))
        if self._end:
            yield Text(self._end, "dim")

    def _lines(self, console: Console, cells: list[Cell], widths: list[int]) -> Iterator[Text]:
        """A row, which has several lines if its last cell is wrapped."""
        if not self._fold:
            yield _line(cells, widths)
            return
        first, *rest = _text(cells[-1]).wrap(console, widths[-1]) or [Text()]
        yield _line([*cells[:-1], first], widths)
        for part in rest:
            yield _line([*([""] * (len(cells) - 1)), part], widths)

    def _widths(
        self, names: Sequence[str], rows: Sequence[Sequence[Cell]], width: int
    ) -> dict[str, int]:
        """Of the columns that are shown, in their order."""
        natural = {
            name: max([cell_len(name), *(_cells(row[place]) for row in rows)])
            for place, name in enumerate(names)
        }
        flexible = [*self._cut, *(names[-1:] if self._fold else ())]
        least = {**natural, **{name: min(natural[name], LEAST) for name in flexible}}
        for name in self._spare:
            if _total(least) > width:
                del natural[name], least[name]
        for name in reversed(flexible):
            if name in natural:
                natural[name] = max(least[name], natural[name] - max(0, _total(natural) - width))
        return natural


def _total(widths: dict[str, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)


def _text(cell: Cell) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)


def _cells(cell: Cell) -> int:
    return cell_len(cell if isinstance(cell, str) else cell.plain)


def _line(cells: Sequence[Cell], widths: Sequence[int]) -> Text:
    line = Text()
    for cell, width in zip(cells, widths, strict=True):
        part = _text(cell).copy()
        part.truncate(width, overflow="ellipsis")
        part.pad_right(width + GAP - _cells(part))
        line.append_text(part)
    line.rstrip()
    return _whole(line)


def _whole(line: Text) -> Text:
    """A line that nothing wraps or cuts any more."""
    line.no_wrap, line.overflow = True, "ignore"
    return line


def page(pairs: Iterable[tuple[str, Cell]]) -> Table:
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
