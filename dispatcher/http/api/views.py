"""The API's JSON bodies about targets and deploys, as types that the command line shares. Values only.

Times are RFC 3339 in UTC, durations are seconds, null is "not yet" or "none".
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from dispatcher.config import Target
from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.repairs import Kind, Repair
from dispatcher.ledger import Pauses, StopResult, TargetView

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DeployInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A deploy, without its log."""

    deploy: str
    """`target/number`."""
    target: str
    number: int
    state: State
    reason: Reason
    ref: str
    commit: str
    title: str = ""
    requested_by: str = ""
    note: str = ""
    why: str = ""
    cause: CauseKind | None = None
    """The kind of what `why` says, where it does not start or ended without success by itself."""
    created_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    waited: float | None = None
    """From its creation to its first running main container."""
    duration: float | None = None
    """From its first running main container to its end."""
    superseded_by: str | None = None
    cancelled_by: str = ""
    """Who told it to stop."""
    released_by: str = ""
    """Who declared its Pods gone although the cluster showed them."""
    cluster_troubles: int = 0
    """How often the cluster could not run it."""
    not_before: str | None = None
    """When it is tried again, while it waits for that."""
    merged: int = 0
    """How many further pushes were merged into it."""
    deliveries: tuple[str, ...] = ()
    attempt: int = 0
    namespace: str = ""
    job: str = ""


class DeployDetail(DeployInfo, frozen=True, kw_only=True):
    """A deploy with all that is known of it."""

    exit_code: int | None = None
    log_tail: str = ""


class PauseInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a target and why."""

    by: str
    reason: str = ""
    since: str | None = None
    everything: bool = False
    """All targets are held, and not this one by its name."""


class TargetInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A target at one glance."""

    name: str
    repository: str
    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    namespace: str = ""
    on_new_push: str = ""
    active: DeployInfo | None = None
    waiting: tuple[DeployInfo, ...] = ()
    """Those that come next, ten at the most."""
    waiting_count: int = 0
    """How many wait in all."""
    last: DeployInfo | None = None
    """The newest deploy that is over."""
    trouble: str = ""
    """What holds it up, "" for nothing."""
    paused: PauseInfo | None = None
    """Nothing of it starts until it is resumed."""


class RepairInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A repair of an inconsistency."""

    at: str | None
    kind: Kind
    target: str
    """Empty for what concerns no single one."""
    what: str


class RepairList(msgspec.Struct, frozen=True):
    counts: dict[str, int]
    """How many of each kind there ever were."""
    repairs: tuple[RepairInfo, ...]
    """The newest, newest first."""


class TargetList(msgspec.Struct, frozen=True):
    targets: tuple[TargetInfo, ...]


class DeployList(msgspec.Struct, frozen=True):
    deploys: tuple[DeployInfo, ...]


class RedeployAnswer(msgspec.Struct, frozen=True, kw_only=True):
    target: str
    deploy: str
    ref: str
    commit: str
    outcome: Outcome
    reason: str = ""


class OrderAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of telling a deploy to stop, or of releasing it."""

    deploy: str
    outcome: StopResult
    reason: str = ""


class PauseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand after a pause or a resume."""

    target: str | None
    """None for everything."""
    paused: PauseInfo | None


def target_info(target: Target, view: TargetView, paused: PauseInfo | None = None) -> TargetInfo:
    return TargetInfo(
        name=target.name,
        repository=target.repository,
        branches=target.branches,
        tags=target.tags,
        paths=target.paths,
        namespace=target.namespace,
        on_new_push=target.on_new_push,
        active=deploy_info(view.active) if view.active else None,
        waiting=tuple(deploy_info(deploy) for deploy in view.waiting),
        waiting_count=view.waiting_count,
        last=deploy_info(view.last) if view.last else None,
        trouble=view.trouble,
        paused=paused,
    )


def pause_info(pauses: Pauses, target: str | None) -> PauseInfo | None:
    """A target's own pause, else that of everything, which is all there is for None."""
    found = pauses.of(target) if target else pauses.everything
    if found is None:
        return None
    return PauseInfo(
        by=found.by,
        reason=found.reason,
        since=moment(found.at),
        everything=target not in pauses.targets,
    )


def repair_info(repair: Repair) -> RepairInfo:
    return RepairInfo(
        at=moment(repair.at), kind=repair.kind, target=repair.target, what=repair.what
    )


def deploy_info(deploy: Deploy) -> DeployInfo:
    by = deploy.superseded_by
    return DeployInfo(
        deploy=deploy.name,
        target=deploy.target,
        number=deploy.number,
        state=deploy.state,
        reason=deploy.reason,
        ref=deploy.ref,
        commit=deploy.commit,
        title=deploy.title,
        requested_by=deploy.requested_by,
        note=deploy.note,
        why=deploy.why,
        cause=deploy.cause,
        created_at=moment(deploy.created_at),
        started_at=moment(deploy.started_at),
        ended_at=moment(deploy.ended_at),
        waited=_between(deploy.created_at, deploy.started_at),
        duration=_between(deploy.started_at, deploy.ended_at),
        superseded_by=f"{deploy.target}/{by}" if by else None,
        cancelled_by=deploy.cancelled_by,
        released_by=deploy.released_by,
        cluster_troubles=deploy.troubles,
        not_before=moment(deploy.not_before if deploy.state is State.PENDING else 0),
        merged=deploy.merged,
        deliveries=deploy.deliveries,
        attempt=deploy.attempt,
        namespace=deploy.namespace,
        job=deploy.job,
    )


def deploy_detail(deploy: Deploy) -> DeployDetail:
    info = msgspec.structs.asdict(deploy_info(deploy))
    return DeployDetail(**info, exit_code=deploy.exit_code, log_tail=deploy.log_tail)


def moment(milliseconds: int) -> str | None:
    """`2025-11-22T23:25:01.123Z`, None for 0."""
    if not milliseconds:
        return None
    when = EPOCH + timedelta(milliseconds=milliseconds)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _between(start: int, end: int) -> float | None:
    return max(0, end - start) / 1000 if start and end else None
