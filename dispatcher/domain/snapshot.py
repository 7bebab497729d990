"""The state of a target at one moment, which a plan is made from. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All that a plan needs to know about a target, as of `now`."""

    target: str
    now: int
    version: int
    spec: Spec | None
    listed: bool
    """A full LIST of the target's namespace is in this very Redis: what is not known is not there."""
    deploys: tuple[Deploy, ...]
    """Those that are open, those that have a Job, and the one that was started last; oldest first."""
    jobs: tuple[ObservedJob, ...]
    paused: str = ""
    """Who paused the target and why; "" if it is not paused."""
    succeeded: int = 0
    """Number of the newest deploy that succeeded."""
    attempted: int = 0
    """Number of the newest deploy that was started."""
    begun: int = 0
    """Number of the deploy that was started last; it is among the deploys while the history has it."""
    sure: bool = False
    """It was: the Redis that answers now was told, and has forgotten nothing since."""
    seq: int = 0
    """The newest number that was given."""
    limited: bool = False
    """How many deploys may run at once is limited."""
    has_slot: bool = False
    """The target has its concurrency slot."""
    no_slot: str = ""
    """Why it has none, once it has asked; "" otherwise."""
    failures: int = 0
    """Looks in a row that the cluster failed: the next one comes later each time."""
    published: bool = False
    """A watcher has published what is configured: a target without a spec is not."""
    read: Mapping[int, str] = field(default_factory=dict)
    """The deploys as read, to compare with when they are written."""
