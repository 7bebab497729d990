"""Prints a list once, or with `--watch` anew whenever something changes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import typer
from rich.console import RenderableType

from dispatcher.commands.changes import Changes
from dispatcher.commands.client import Client
from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.follow import AT_LEAST_EVERY
from dispatcher.commands.formatting import plain
from dispatcher.commands.options import Api, now
from dispatcher.commands.output import console
from dispatcher.commands.screen import Screen

EVERY = 2.0
"""Seconds between two requests where no event can say when to ask again."""
SETTLE = 0.2
"""Seconds that several events in a row are waited for, so that one request sees them all."""
REDRAW = 2.0
"""Seconds until the ages on a terminal are drawn anew."""
SHARE = 20
"""A list that is slow to draw is drawn less often: drawing takes this part of the time at most."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Watching:
    """Whether a list is printed once."""

    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show it anew whenever something changes.")
    ] = False


@dataclass(frozen=True)
class Listing(Generic[T]):
    """What is asked for, and how it is shown to people."""

    look: Callable[[Client], T]
    draw: Callable[[T, datetime], RenderableType]


def show(api: Api, watching: Watching, listing: Listing[T]) -> T:
    """Returns what it showed last."""
    with api.client() as client:
        found = listing.look(client)
        if not watching.watch:
            _print(api, listing, found)
            return found
        with Changes(client) as changes:
            known = console()
            if api.as_data or not known.is_terminal or known.is_dumb_terminal:
                return _print_changes(api, client, changes, listing, found)
            return _watch(api, client, changes, listing, found)


def _print(api: Api, listing: Listing[T], found: T) -> None:
    if api.as_data:
        api.write(found)
    else:
        api.console().print(listing.draw(found, now()))


def _print_changes(api: Api, client: Client, changes: Changes, listing: Listing[T], found: T) -> T:
    """One document or table after the other: those that differ from the one before."""
    printed: T | None = None
    try:
        while True:
            if found != printed:
                api.separate(first=printed is None)
                _print(api, listing, found)
                sys.stdout.flush()
            printed = found
            _wait(changes)
            found, _ = _look(client, listing, found)
    except KeyboardInterrupt:
        return found


def _watch(api: Api, client: Client, changes: Changes, listing: Listing[T], found: T) -> T:
    screen, trouble = Screen(api.console(fitted=True)), ""
    try:
        while True:
            ends = time.monotonic() + (AT_LEAST_EVERY if changes.live else EVERY)
            changed = False
            while not changed and (left := ends - time.monotonic()) > 0:
                began = time.monotonic()
                screen.draw(trouble or f"{now():%H:%M:%S} UTC", listing.draw(found, now()))
                pause = max(REDRAW, SHARE * (time.monotonic() - began))
                changed = changes.wait(min(pause, left))
            if changed:
                time.sleep(SETTLE)
            found, trouble = _look(client, listing, found)
    except KeyboardInterrupt:
        return found


def _wait(changes: Changes) -> None:
    if changes.wait(AT_LEAST_EVERY if changes.live else EVERY):
        time.sleep(SETTLE)


def _look(client: Client, listing: Listing[T], before: T) -> tuple[T, str]:
    """What is there now; else what was there before, and why that is all that is known."""
    try:
        return listing.look(client), ""
    except Failed as error:
        if error.code is not Exit.UNAVAILABLE:
            raise
        return before, f"this is old: {plain(str(error))}"
