"""`git-dispatcher events`."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
import typer

from dispatcher.commands.client import Client
from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.options import Api, TargetGlob, now, spread
from dispatcher.commands.output import Output
from dispatcher.commands.tables.events import event as line
from dispatcher.domain.errors import UsageError
from dispatcher.domain.event import EventKind
from dispatcher.http.api.schemas.events import EventPage, GapInfo, StreamedEventInfo

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
PAGE = 500
"""Events in one request."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
"""Seconds before a lost connection is made again; the pause doubles."""
BEGINNING = "0-0"
"""Id in front of the first event."""

Filters = dict[str, str | None]


@spread
def events(
    api: Api,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with those that happen from now on.")
    ] = False,
    target: TargetGlob = None,
    kind: Annotated[
        list[EventKind] | None, typer.Option("--kind", help="Those of this kind; repeatable.")
    ] = None,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="Like 30m, 2h, 1d, or RFC 3339.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The newest so many.")] = 50,
) -> None:
    """Lists what happened to deploys and targets, newest last."""
    filters: Filters = {"target": target, "kind": ",".join(kind) if kind else None}
    begin = _moment(since, now()) if since else None
    with api.client() as client:
        found = _past(client, filters, begin, limit)
        if not follow:
            _print_all(api, found)
            return
        for each in found:
            _print(api, each)
        try:
            _follow(api, client, filters, found[-1].id if found else BEGINNING)
        except KeyboardInterrupt:
            return


def _moment(text: str, now: datetime) -> datetime:
    """That long before `now`, or the moment that the text names. Raises UsageError."""
    if match := re.fullmatch(r"([1-9]\d{0,5})([smhd])", text, re.ASCII):
        return now - timedelta(**{UNITS[match[2]]: int(match[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"--since {text!r} is no time: write it like 30m, 2h, 1d or 2025-11-22T10:15:00Z"
        raise UsageError(message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _past(
    client: Client, filters: Filters, begin: datetime | None, limit: int
) -> list[StreamedEventInfo]:
    """Oldest first."""
    found: list[StreamedEventInfo] = []
    cursor: str | None = None
    while cursor != "" and len(found) < limit:
        asked = {**filters, "cursor": cursor}
        page = client.past_events(min(PAGE, limit - len(found)), asked)
        recent = [each for each in page.events if begin is None or _at(each) >= begin]
        found += recent
        cursor = page.next if len(recent) == len(page.events) else ""
    return found[::-1]


def _at(event: StreamedEventInfo) -> datetime:
    return datetime.fromisoformat(event.at) if event.at else datetime.now(UTC)


def _print_all(api: Api, found: list[StreamedEventInfo]) -> None:
    if api.as_data:
        api.write(EventPage(events=tuple(found)))
        return
    for each in found:
        _print(api, each)
    if not found:
        print("Nothing like that has happened lately.")


def _print(api: Api, event: StreamedEventInfo) -> None:
    """A line; as JSON too, so that scripts can read one after the other."""
    if api.output is Output.JSON:
        print(msgspec.json.encode(event).decode())
    elif api.as_data:
        api.separate(first=False)
        api.write(event)
    else:
        api.console().print(line(event))
    sys.stdout.flush()


def _follow(api: Api, client: Client, filters: Filters, position: str) -> None:
    """Until Ctrl-C; goes on where it was after a lost connection."""
    pause = FIRST_PAUSE

    def arrived(event: StreamedEventInfo | GapInfo) -> None:
        if isinstance(event, StreamedEventInfo):
            _print(api, event)
        else:
            typer.echo("here events are missing: the ledger no longer has them", err=True)

    while True:
        began = time.monotonic()
        try:
            position = _read(client, filters, position, arrived)
            message = "the connection has ended"
        except Lost as error:
            position, message = error.position, str(error)
        pause = FIRST_PAUSE if time.monotonic() - began > LONGEST_PAUSE else pause
        typer.echo(f"{message}; connecting again", err=True)
        time.sleep(pause)
        pause = min(LONGEST_PAUSE, pause * 2)


class Lost(Exception):
    """The connection was lost, or could not be made; `position` is where to go on."""

    def __init__(self, message: str, position: str) -> None:
        super().__init__(message)
        self.position = position


def _read(
    client: Client,
    filters: Filters,
    position: str,
    arrived: Callable[[StreamedEventInfo | GapInfo], None],
) -> str:
    """Reads until the connection ends. Returns where to go on. Raises Lost."""
    stream = None
    try:
        with client.events(position, filters) as stream:
            for each in stream:
                arrived(each)
    except Failed as error:
        if error.code is not Exit.UNAVAILABLE:
            raise
        raise Lost(str(error), (stream and stream.position) or position) from None
    return stream.position or position
