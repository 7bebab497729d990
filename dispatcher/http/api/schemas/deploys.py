"""JSON bodies about deploys."""

from __future__ import annotations

from dataclasses import asdict

import msgspec

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.outcome import Outcome, StopResult
from dispatcher.domain.phases import Phases
from dispatcher.http.api.schemas.events import EventInfo
from dispatcher.http.api.schemas.times import rfc3339, seconds_between


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
    """Who cancelled it."""
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


class PhaseInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds that a deploy spent in each phase, or has spent until now; null where it did not come to it."""

    waiting: float | None = None
    starting: float | None = None
    running: float | None = None
    stopping: float | None = None
    cleaning: float | None = None
    """From its end until its Job and Pods were gone."""


class DeployDetail(DeployInfo, frozen=True, kw_only=True):
    """A deploy with all that is known of it."""

    exit_code: int | None = None
    log_tail: str = ""
    log_url: str = ""
    """Where its log is kept, if the configuration says so."""
    pod: str = ""
    """Its Pod in the cluster: the one that failed, else one that waits, else the newest."""
    superseded: tuple[str, ...] = ()
    """The deploys that it superseded."""
    phases: PhaseInfo = PhaseInfo()
    timeline: tuple[EventInfo, ...] = ()
    """What happened to it, oldest first; a long one lacks some events in its middle."""


class DeployList(msgspec.Struct, frozen=True):
    deploys: tuple[DeployInfo, ...]


class DeployPage(msgspec.Struct, frozen=True, kw_only=True):
    deploys: tuple[DeployInfo, ...]
    """Newest first."""
    next: str = ""
    """The cursor of the next page; empty on the last one. A page can lack deploys and yet have a next."""


class RedeployAnswer(msgspec.Struct, frozen=True, kw_only=True):
    target: str
    deploy: str
    ref: str
    commit: str
    outcome: Outcome
    reason: str = ""


class OrderAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a cancel or a release."""

    deploy: str
    outcome: StopResult
    reason: str = ""


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
        created_at=rfc3339(deploy.created_at),
        started_at=rfc3339(deploy.started_at),
        ended_at=rfc3339(deploy.ended_at),
        waited=seconds_between(deploy.created_at, deploy.started_at),
        duration=seconds_between(deploy.started_at, deploy.ended_at),
        superseded_by=f"{deploy.target}/{by}" if by else None,
        cancelled_by=deploy.cancelled_by,
        released_by=deploy.released_by,
        cluster_troubles=deploy.troubles,
        not_before=rfc3339(deploy.not_before if deploy.state is State.PENDING else 0),
        merged=deploy.merged,
        deliveries=deploy.deliveries,
        attempt=deploy.attempt,
        namespace=deploy.namespace,
        job=deploy.job,
    )


def phase_info(phases: Phases) -> PhaseInfo:
    spent = asdict(phases).items()
    return PhaseInfo(**{name: None if ms is None else ms / 1000 for name, ms in spent})
