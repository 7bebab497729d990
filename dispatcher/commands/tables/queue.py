"""What waits. Pure."""

from __future__ import annotations

from datetime import datetime

from dispatcher.commands.formatting import age, count, plain, short, until
from dispatcher.commands.tables.layout import Grid
from dispatcher.domain.refs import short_ref
from dispatcher.http.api.schemas.queue import QueuePage

WIDE = ("SINCE", "REASON", "BY", "TITLE")


def queue(found: QueuePage, now: datetime, *, wide: bool = False) -> Grid:
    """The longest wait first."""
    names = ("DEPLOY", "WAITS", "FOR", "BEHIND", "PLACE", "UNTIL", "COMMIT", "REF")
    spare = ("REF", "PLACE", "UNTIL")
    table = Grid(*names, *(WIDE if wide else ()), spare=spare, cut=("REF",), note="WHY")
    for each in found.deploys:
        more = (each.since or "", each.reason, plain(each.requested_by), plain(each.title))
        table.add_row(
            each.deploy,
            age(each.since, now),
            each.waits_for,
            each.behind or "",
            str(each.position),
            until(each.until, now),
            short(each.commit),
            plain(short_ref(each.ref)),
            *(more if wide else ()),
            note=plain(each.explanation),
        )
    if (left := found.total - len(found.deploys)) > 0:
        table.end(f"and {count(left, 'more deploy')}")
    return table
