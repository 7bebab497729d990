"""What the ledger keeps, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept of what happened, as scripts take it."""

    events: int
    """In the stream, about."""
    lines: int
    """In a deploy's timeline: the first ones and the newest."""
    deploys: int = 50_000
    """In the index of all targets' deploys."""


EVENTS = Happened(events=10_000, lines=50)


class RelayBounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept of a log that is relayed, as scripts take it."""

    entries: int
    bytes: int


RELAYED = RelayBounds(entries=2_000, bytes=1024 * 1024)


@dataclass(frozen=True, kw_only=True)
class Retention:
    """The defaults suit a team of any size."""

    remember: int = 3 * 86400
    """Seconds for which a repeated delivery, push or request is recognised. GitHub redelivers for 3 days."""
    edges: int = 30 * 86400_000
    """Milliseconds for which a branch's chain of commits is remembered."""
    times: int = 366 * 86400_000
    """Milliseconds for which the newest time that a host gave a branch or tag is remembered."""
    refs: int = 2_000
    """Branches and tags of a target whose newest times are remembered; the oldest make room."""
    renamed: int = 3_600_000
    """Milliseconds after a rename for which pushes under the former name are redirected to the new one."""
    history: int = 100
    """Deploys kept per target."""
    happened: Happened = EVENTS
    audit: int = 20_000
    """Entries of the audit log kept, about: two for each order."""
    processes: int = 3_600_000
    """Milliseconds for which a process without heartbeats is kept."""
    most_processes: int = 200
    dead_letters: int = 1_000
    """Messages to receivers that were given up, about."""
    requested: int = 1_000
    """Messages to one receiver that people want sent and that were not sent yet, about."""
    repairs: int = 200
    """Newest repairs that are kept."""
    relayed: RelayBounds = RELAYED
    """Of one log: a reader that falls further behind misses lines, and is told so."""
    relayed_for: int = 60_000
    """Milliseconds for which a relayed log is kept after nobody reads it any more."""
    requests: int = 10_000
    """Newest requests for logs that are kept, about."""
    auth_failures: int = 60_000
    """Milliseconds for which requests that are not authenticated are counted together."""
    sign_in_link: int = 600
    """Seconds for which a one-time sign-in link is valid."""
    deliveries: int = 20
    """Delivery ids kept in a deploy."""
