"""Receivers of notifications, and dead letters. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.text import Text

from dispatcher.commands.formatting import age, plain
from dispatcher.commands.tables.layout import Grid
from dispatcher.http.api.schemas.notifications import DeadLetterInfo, ReceiverInfo


def receivers(found: Iterable[ReceiverInfo], now: datetime) -> Grid:
    """What is wrong with a receiver stands below it."""
    names = ("RECEIVER", "KIND", "URL", "SENT", "LAST SENT", "BEHIND")
    table = Grid(*names, spare=("KIND",), cut=("URL",), note="TROUBLE")
    for each in found:
        table.add_row(
            each.name,
            each.kind,
            plain(each.url),
            str(each.sent),
            f"{age(each.sent_at, now)} ago" if each.sent_at else "never",
            age(each.behind_since, now) if each.behind_since else "-",
            note=Text(_trouble(each, now), "red"),
        )
    return table


def _trouble(receiver: ReceiverInfo, now: datetime) -> str:
    found = []
    if receiver.error:
        times = f", {receiver.attempts} times in a row" if receiver.attempts > 1 else ""
        found.append(f"{plain(receiver.error)} {age(receiver.failed_at, now)} ago{times}")
    if receiver.gap:
        found.append(plain(receiver.gap))
    return "; ".join(found)


def dead_letters(found: Iterable[DeadLetterInfo], now: datetime) -> Grid:
    table = Grid("ID", "AGE", "RECEIVER", "EVENT", "SUBJECT", "TRIED", "REASON", fold=True)
    for each in found:
        table.add_row(
            each.id,
            age(each.at, now),
            each.receiver,
            each.event,
            plain(each.subject) or "everything",
            str(each.attempts),
            plain(each.reason),
        )
    return table
