"""A deploy: the n-th time that a target is deployed, or will be. Values only.

Times are milliseconds since the epoch, by Redis' clock unless a field says otherwise; 0 is "not yet".
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from dispatcher.domain.cause import CauseKind


class State(StrEnum):
    """Where a deploy is in its life."""

    PENDING = "pending"  # recorded; waits for earlier deploys or for a concurrency slot
    STARTING = "starting"  # its attempt has a Job name; the Job may or may not exist yet
    RUNNING = "running"  # a main container of its Job runs, or has run
    STOPPING = "stopping"  # asked to stop; its Job or a Pod still exists
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    LOST = "lost"  # its Job disappeared, and how it ended is unknown


TERMINAL = frozenset(
    {State.SUCCEEDED, State.FAILED, State.SUPERSEDED, State.CANCELLED, State.LOST},
)
ACTIVE = frozenset({State.STARTING, State.RUNNING, State.STOPPING})


class Reason(StrEnum):
    """Why a deploy exists."""

    PUSH = "push"
    REDEPLOY = "redeploy"
    SPEC_CHANGE = "spec-change"
    REPLAY = "replay"  # somebody replayed a delivery of the log


class Deploy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The n-th time that a target is deployed, or will be. Stored as JSON in the ledger."""

    target: str
    number: int
    state: State
    stream: str
    ref: str
    commit: str
    before: str = ""
    reason: Reason = Reason.PUSH
    requested_by: str = ""
    note: str = ""
    """The reason given by the person who asked for a redeploy or a replay."""
    title: str = ""
    deliveries: tuple[str, ...] = ()
    """The newest of the deliveries merged into it (bounded)."""
    merged: int = 0
    """How many further pushes were merged into it."""
    created_at: int = 0
    wanted_at: int = 0
    """When the newest push was merged into it."""
    came_at: int = 0
    """When that push first came, if its delivery was replayed; else 0."""
    not_before: int = 0
    """When it may start again after the cluster could not run it."""
    troubles: int = 0
    """How often the cluster could not run it."""
    starting_at: int = 0
    """When its present attempt was given its Job name."""
    cloning_at: int = 0
    """When the watcher first saw its present attempt, or the Job's newest retry of it, cloning."""
    events_read_at: int = 0
    """When a worker last read the cluster's events for its present attempt; 0 if its Job or Pods show why."""
    stopping_at: int = 0
    """When it began to stop."""
    started_at: int = 0
    """When a main container was first seen running; if it ended unseen, when a worker requested its Job."""
    ended_at: int = 0
    attempt: int = 0
    """How many Job names were used up; 0 before the first start."""
    token: str = ""
    """Random id of the attempt, also in its Job's annotations: shows that a Job of its name is ours."""
    namespace: str = ""
    job: str = ""
    uid: str = ""
    """The Job's uid, once the API server has assigned it."""
    superseded_by: int = 0
    supersedes: int = 0
    """How many deploys in a row were stopped before this one."""
    cancelled_by: str = ""
    """Who cancelled it, or ""."""
    released_by: str = ""
    """Who declared its Pods gone although the cluster still shows them."""
    gives_up: bool = False
    """The worker stops it because the cluster could not run it; it ends as failed."""
    delete_sent_at: int = 0
    """When a worker last requested the deletion of its Job."""
    why: str = ""
    """Why it ended as it did, or what it waits for, for people."""
    cause: CauseKind | None = None
    """The kind of cause that `why` states, if the deploy does not start, or ended without success by itself."""
    exit_code: int | None = None
    log_tail: str = ""

    @property
    def name(self) -> str:
        return f"{self.target}/{self.number}"

    @property
    def terminal(self) -> bool:
        return self.state in TERMINAL

    @property
    def active(self) -> bool:
        return self.state in ACTIVE
