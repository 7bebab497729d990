"""Events, a line each. Pure."""

from __future__ import annotations

from rich.text import Text

from dispatcher.commands.formatting import plain, short
from dispatcher.commands.tables.deploys import STYLES
from dispatcher.domain.event import EventKind
from dispatcher.http.api.schemas.events import StreamedEventInfo

SUBJECT, WHAT = 20, 10
"""Columns of the deploy or target, and of what happened."""
ALARMING = {EventKind.TROUBLE: "red", EventKind.RECOVERED: "green", EventKind.PAUSED: "yellow"}


def event(found: StreamedEventInfo) -> Text:
    """`2025-11-22 10:16:34  shop/42  failed  script: container deploy exited with 3`."""
    moment = (found.at or "")[:19].replace("T", " ")
    subject = plain(found.deploy or found.target or "all targets")
    what = found.state if found.kind is EventKind.STATE and found.state else found.kind
    style = STYLES.get(found.state, "") if found.state else ALARMING.get(found.kind, "")
    return Text.assemble(
        (f"{moment}  ", "dim"),
        f"{subject:<{SUBJECT}}  ",
        (f"{what:<{WHAT}}", style),
        plain(f"  {_rest(found)}"),
    )


def _rest(found: StreamedEventInfo) -> str:
    by = f"by {found.by or found.superseded_by}" if found.by or found.superseded_by else ""
    why = f"{found.cause}: {found.why}" if found.cause else found.why
    job = found.job if found.kind is EventKind.STATE and not why else ""
    is_new = found.kind in (EventKind.CREATED, EventKind.COALESCED)
    return " ".join(filter(None, (short(found.commit) if is_new else "", by, job, why)))
