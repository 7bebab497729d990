"""Hooks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from dispatcher.commands.formatting import age, plain
from dispatcher.commands.tables.layout import Grid
from dispatcher.http.api.schemas.hooks import HookInfo


def hooks(found: Iterable[HookInfo], now: datetime) -> Grid:
    """A line for each secret."""
    names = ("HOOK", "PROVIDER", "REPOSITORIES", "SECRET", "LAST USED", "REJECTED")
    table = Grid(*names, cut=("REPOSITORIES", "REJECTED"))
    for hook in found:
        rows = [(plain(each.source), _ago(each.last_used, now)) for each in hook.secrets]
        for number, (secret, used) in enumerate(rows or [("none: insecure", "")]):
            first = (hook.name, hook.provider, plain(", ".join(hook.repositories)))
            own = first if number == 0 else ("", "", "")
            table.add_row(*own, secret, used, counts(hook.rejected) if number == 0 else "")
    return table


def counts(rejected: Mapping[str, int]) -> str:
    return plain(", ".join(f"{number} {why}" for why, number in rejected.items()))


def _ago(moment: str | None, now: datetime) -> str:
    return f"{age(moment, now)} ago" if moment else "never"
