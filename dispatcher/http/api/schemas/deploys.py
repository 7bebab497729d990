"""JSON bodies about deploys."""

from __future__ import annotations

import msgspec

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.outcome import Outcome, StopResult
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


class DeployDetail(DeployInfo, frozen=True, kw_only=True):
    """A deploy with all that is known of it."""

    exit_code: int | None = None
    log_tail: str = ""


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


def deploy_detail(deploy: Deploy) -> DeployDetail:
    info = msgspec.structs.asdict(deploy_info(deploy))
    return DeployDetail(**info, exit_code=deploy.exit_code, log_tail=deploy.log_tail)
