"""An event: what happened to a deploy or to a target. Values only.

Times are milliseconds since the epoch, by Redis' clock.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import State


class EventKind(StrEnum):
    """What kind of thing happened."""

    # To a deploy
    CREATED = "created"  # a push or a person asked for it
    COALESCED = "coalesced"  # it was waiting and was given a newer commit
    STATE = "state"  # it came to another state, or to another attempt
    CAUSE = "cause"  # why it does not go on has changed
    CANCEL = "cancel"  # somebody told it to stop
    RELEASED = "released"  # somebody declared its Pods gone
    CLEANED = "cleaned"  # it had ended, and now its Job and Pods are gone from the cluster
    # To a target, or to all of them
    TROUBLE = "trouble"  # something holds the target up, or something else does
    RECOVERED = "recovered"  # nothing holds it up any more
    PAUSED = "paused"
    RESUMED = "resumed"


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened. Stored as JSON in the ledger: in the stream of events, and in a deploy's timeline."""

    kind: EventKind
    at: int
    state: State | None = None
    """The deploy's, from then on."""
    was: State | None = None
    """The state before, if it was another."""
    by: str = ""
    """Who did it, where it was a person; of a push, who pushed."""
    why: str = ""
    cause: CauseKind | None = None
    attempt: int = 0
    job: str = ""
    exit_code: int | None = None
    superseded_by: int = 0
    delivery: str = ""
    """Id of the delivery that it came with."""
    commit: str = ""
    """The deploy's from then on, if it was given one."""
