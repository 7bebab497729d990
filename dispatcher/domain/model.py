"""The words of git-dispatcher as types: push, target, deploy, stream, outcome.

Values only. Nothing in here reads a clock, the environment, Redis or the cluster.
Times are milliseconds since the epoch, by Redis' clock unless a field says otherwise; 0 is "not yet".
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from dispatcher.domain.errors import IllegalTransition

ZEROS = frozenset({"0" * 40, "0" * 64})
"""The object name that Git hosts send where there is no commit (SHA-1 and SHA-256 repositories)."""

TAGS = "refs/tags"
"""The one stream that all tags of a target share."""


class State(StrEnum):
    """Where a deploy is in its life."""

    PENDING = "pending"  # recorded, waits for its turn
    STARTING = "starting"  # its Job's name is taken; the Job may or may not be there yet
    RUNNING = "running"  # a main container of its Job runs, or has run
    STOPPING = "stopping"  # told to stop; its Job or a Pod is still there
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    LOST = "lost"  # its Job vanished without a word about how it ended


TERMINAL = frozenset(
    {State.SUCCEEDED, State.FAILED, State.SUPERSEDED, State.CANCELLED, State.LOST},
)
ACTIVE = frozenset({State.STARTING, State.RUNNING, State.STOPPING})

TRANSITIONS: dict[State, frozenset[State]] = {
    # A deploy that never started can end: a newer commit, a cancel, a Job that cannot be made.
    State.PENDING: frozenset(
        {State.PENDING, State.STARTING, State.SUPERSEDED, State.CANCELLED, State.FAILED},
    ),
    # Back to pending: the API server said for sure that nothing was created.
    State.STARTING: frozenset(
        {State.PENDING, State.STARTING, State.RUNNING, State.STOPPING}
        | {State.SUCCEEDED, State.FAILED, State.LOST},
    ),
    # Back to pending here too: the cluster took its Job or its Pod away, and it runs again.
    State.RUNNING: frozenset(
        {State.PENDING, State.RUNNING, State.STOPPING}
        | {State.SUCCEEDED, State.FAILED, State.LOST},
    ),
    # A decision to stop stands: what comes out of it is never another start.
    State.STOPPING: frozenset(
        {State.STOPPING, State.SUPERSEDED, State.CANCELLED, State.SUCCEEDED, State.FAILED},
    ),
    # What is over stays over; only facts about it are added (its Job was cleared away).
    **{state: frozenset({state}) for state in TERMINAL},
}
"""The one table of legal changes; a state that stays is listed where fields change in place."""

FOUND = State.STARTING
"""The state in which a deploy is written whose Job the ledger did not know: it was emptied or rolled back."""

FIRST = frozenset({FOUND, State.PENDING})
"""States in which a worker writes a deploy that was not there: found, or waiting under another number, since
the Job that was found has its own."""


class Reason(StrEnum):
    """Why a deploy exists."""

    PUSH = "push"
    REDEPLOY = "redeploy"
    SPEC_CHANGE = "spec-change"
    REPLAY = "replay"  # a delivery of the log was taken once more


class CauseKind(StrEnum):
    """Why a deploy does not start, or ended without success; `workers.causes` decides."""

    SCRIPT = "script"  # a container of its own exited with a code other than 0
    CLONE = "clone"  # the commit was not cloned, or not in time
    MEMORY = "memory"  # a container used more memory than its limit
    IMAGE = "image"  # an image cannot be pulled
    CONFIG = "config"  # a container or the Job cannot be made as it is written: a Secret, a key, a command
    STORAGE = "storage"  # a volume cannot be mounted, or the Pod wrote more than its limit
    NETWORK = "network"  # the Pod gets no sandbox or no address
    TIMEOUT = "timeout"  # it took longer than `timeout`
    SCHEDULING = "scheduling"  # no node takes its Pod
    QUOTA = "quota"  # the namespace has no more room
    ADMISSION = (
        "admission"  # a rule, a right, a missing account or namespace forbids its Job or its Pod
    )
    EVICTED = "evicted"  # the cluster stopped its Pod: a drain, a preemption, a node under pressure
    NODE = "node"  # its node went, was restarted, or sent the Pod away
    VANISHED = "vanished"  # its Job or its Pod was deleted by somebody else
    UNKNOWN = "unknown"  # Kubernetes does not say


class Outcome(StrEnum):
    """What became of a push for one target."""

    ACCEPTED = "accepted"  # a new deploy
    COALESCED = "coalesced"  # a waiting deploy of the stream was given this commit
    DUPLICATE = "duplicate"  # the same push was taken before
    UNCHANGED = "unchanged"  # the last attempt was this commit, and it succeeded
    STALE = "stale"  # the branch has moved past this commit
    FILTERED = "filtered"  # the target does not want it
    HELD = "held"  # the target is paused
    REJECTED = "rejected"  # deploys of too many branches of the target are open


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """One updated ref, whatever host it came from."""

    repository: str
    """Normalised identity, `host[:port]/path`, lower case, without `.git`."""
    aliases: tuple[str, ...] = ()
    """Identities of the other addresses that the host gives for the same repository: by ssh, for example."""
    ref: str
    """Full name: `refs/heads/…` or `refs/tags/…`."""
    before: str
    """Object name before the push; zeros when the ref is new; "" when the host does not say."""
    after: str
    """Object name after the push; zeros when the ref was deleted."""
    commit: str = ""
    """The commit behind `after`, where that is an annotated tag and the host tells; else ""."""
    pushed_at: int = 0
    """The host's own push time; 0 when it sends none."""
    forced: bool = False
    title: str = ""
    """First line of the head commit's message, at most 200 characters."""
    message: str = ""
    """The head commit's message, for `[skip ci]`; at most 4,000 characters."""
    pusher: str = ""
    paths: tuple[str, ...] | None = None
    """Every path touched, or None when the host cut the list short or sends none."""
    maybe_renamed: tuple[str, ...] = ()
    """Those of `paths` that may be the new names of files whose old names the host does not list."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Everything that the host calls the repository; the first stands for it."""
        return (self.repository, *self.aliases)

    @property
    def deleted(self) -> bool:
        return self.after in ZEROS

    @property
    def stream(self) -> str:
        return stream_of(self.ref)


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one push for one target: an element of the answer to a delivery."""

    target: str
    ref: str
    commit: str
    outcome: Outcome
    deploy: str = ""
    """`target/number`, where there is one."""
    reason: str = ""

    def although(self, unsure: str) -> Result:
        """The same; where it deploys something, with why it is not known whether the target wants that."""
        if not unsure or self.outcome not in (Outcome.ACCEPTED, Outcome.COALESCED, Outcome.HELD):
            return self
        return msgspec.structs.replace(self, reason=f"{self.reason}; {unsure}")


class Deploy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The n-th time that a target is, or is to be, deployed. Stored as JSON in the ledger."""

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
    """What the person said who asked for a redeploy or a replay."""
    title: str = ""
    deliveries: tuple[str, ...] = ()
    """The newest of the deliveries merged into it (bounded)."""
    merged: int = 0
    """How many further pushes were merged into it."""
    created_at: int = 0
    wanted_at: int = 0
    """When the newest push was merged into it."""
    came_at: int = 0
    """When that push came first, where its delivery was replayed; 0 if it came by itself."""
    not_before: int = 0
    """When it may start again after the cluster could not run it."""
    troubles: int = 0
    """How often the cluster could not run it."""
    starting_at: int = 0
    """When its present attempt's name was taken."""
    cloning_at: int = 0
    """When its present attempt, or the newest retry of it by its Job, was first seen cloning."""
    asked_at: int = 0
    """When the cluster's events were last read for its present attempt; 0 if something else says why."""
    stopping_at: int = 0
    """When it was first told to stop."""
    started_at: int = 0
    """A main container was first seen running; or the Job was asked for, where it ended before it was seen."""
    ended_at: int = 0
    attempt: int = 0
    """How many Job names were used up; 0 before the first start."""
    token: str = ""
    """Random id of the attempt, in the Job's annotations: tells our Job from another of its name."""
    namespace: str = ""
    job: str = ""
    uid: str = ""
    """The Job's uid once the API server has told it."""
    created_rv: str = ""
    """The resourceVersion at which the Job was created."""
    superseded_by: int = 0
    supersedes: int = 0
    """How many deploys in a row were stopped before this one."""
    cancelled_by: str = ""
    """Who told it to stop, "" if nobody did."""
    released_by: str = ""
    """Who declared its Pods gone although the cluster still shows them."""
    gives_up: bool = False
    """It stops because the cluster could not run it, and ends as failed."""
    delete_sent_at: int = 0
    """When its Job was last told to go."""
    why: str = ""
    """Why it ended as it did, or what it waits for, in plain words."""
    cause: CauseKind | None = None
    """The kind of what `why` says, where the deploy does not start or ended without success by itself."""
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


class ObservedJob(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The observed state of one Job and its Pods, as the watcher saw it last. Stored as JSON in the ledger."""

    namespace: str
    job: str
    uid: str
    rv: str = ""
    """The Job's resourceVersion."""
    number: int = 0
    token: str = ""
    commit: str = ""
    ref: str = ""
    reserves_name: bool = False
    created_at: int = 0
    """By the API server's clock."""
    wanted_at: int = 0
    """When its commit was asked for, by the ledger's clock; 0 for one that does not say."""
    deleting: bool = False
    gone: bool = False
    outcome: str = ""
    """"", "succeeded" or "failed": the Job's terminal condition."""
    reason: str = ""
    """The terminal condition's."""
    message: str = ""
    timeout: int = 0
    """Seconds that each Pod may take."""
    deadline: int = 0
    """Seconds that the Job may take, all retries and waiting included."""
    cause: CauseKind | None = None
    """Why it does not start, or why it failed; None where neither its Job nor its Pods say."""
    why: str = ""
    """The same in one sentence."""
    retry: bool = False
    """It was the cluster's doing: the deploy runs again."""
    interruptible: bool = True
    """False while the Job or a live Pod of it says so in its annotation."""
    cloning: bool = False
    """The clone runs."""
    preparing: bool = False
    """An init container runs, be it the clone or another."""
    prepared: int = 0
    """Milliseconds that the init containers took that have succeeded, by their node's clock."""
    retried_at: int = 0
    """When its newest Pod was made, where others had failed before; by the API server's clock."""
    started: bool = False
    """A main container of it runs, or has run."""
    live_pods: int = 0
    """Pods that exist and have not ended."""
    pod: str = ""
    """The Pod that tells: the one that failed, else one that waits, else the newest."""
    pod_uid: str = ""
    container: str = ""
    """The container whose log tells why."""
    exit_code: int | None = None

    @property
    def all_gone(self) -> bool:
        """The Job and its Pods are gone."""
        return self.gone and not self.live_pods


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """How a target's deploys follow one another. Durations are seconds."""

    on_new_push: str = "cancel"
    every_limit: int = 20
    """With `on_new_push: every`, how many may wait before pushes are merged after all."""
    max_supersedes: int = 5
    interruptible: bool = True
    quiet_period: int = 0
    quiet_max: int = 600
    start_timeout: int = 900
    clone_timeout: int = 1800
    start_attempts: int = 3
    """How often a deploy that the cluster cannot run is tried."""
    stop_timeout: int = 300
    on_removed: str = "finish"
    keep_succeeded_for: int = 0
    timeout: int = 3600
    retries: int = 0
    keep_failed: int = 3
    keep_failed_for: int = 7 * 86400
    clear_failed_on_success: bool = True


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """A target as the leading watcher publishes it to the workers, through the ledger."""

    target: str
    repository: str
    """The URL to clone from, as configured: never from a payload."""
    namespace: str
    policies: Policies
    manifest: dict[str, Any]
    """The rendered Job, without what differs from deploy to deploy."""
    digest: str
    """Of the manifest: tells when it has changed."""
    removed_at: int = 0
    """When a watcher first missed it in the configuration."""
    removal_grace: int = 0
    """Milliseconds from then on before it counts as removed."""
    former: tuple[str, ...] = ()
    """Names that it had before: Jobs and Pods of them may still be in the cluster."""


def stream_of(ref: str) -> str:
    """The stream that a ref belongs to: a branch is its own, all tags share one."""
    return TAGS if ref.startswith("refs/tags/") else ref


def short_ref(ref: str) -> str:
    """`main` for `refs/heads/main`, `v1` for `refs/tags/v1`: for people."""
    for prefix in ("refs/heads/", "refs/tags/"):
        if ref.startswith(prefix):
            return ref.removeprefix(prefix)
    return ref


def check_transition(before: Deploy | None, after: Deploy) -> None:
    """Raises IllegalTransition for a change that the table does not have: that is a bug."""
    legal = TRANSITIONS[before.state] if before else FIRST
    if after.state not in legal:
        was = before.state if before else "nothing"
        raise IllegalTransition(f"{after.name} cannot go from {was} to {after.state}")
