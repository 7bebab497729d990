"""What a deploy waits for, as far as the ledger tells. Pure; times are milliseconds by Redis' clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from dispatcher.domain.deploy import Deploy, Reason
from dispatcher.domain.pause import Paused


class WaitsFor(StrEnum):
    """What has to happen before a deploy starts."""

    PAUSE = "pause"  # somebody has to resume its target, or all
    EARLIER_DEPLOY = (
        "earlier-deploy"  # a deploy of its target that goes first has to end, or to start
    )
    RETRY = "retry"  # the cluster could not run it: it is tried again later
    QUIET_PERIOD = "quiet-period"  # pushes have to settle
    SLOT = "slot"  # as many deploys run as may run at once
    WORKER = "worker"  # a worker has to take its wake-up from the queue
    CLUSTER = (
        "cluster"  # what is still in the cluster, or what is not known of it, holds the target up
    )


@dataclass(frozen=True, kw_only=True)
class QueuedTarget:
    """A target that has something waiting, as of `now`."""

    name: str
    now: int
    active: Deploy | None
    waiting: tuple[Deploy, ...]
    """The deploys that come next, oldest first."""
    waiting_count: int
    paused: Paused | None
    trouble: str
    """What a worker found that holds the target up; "" for nothing."""
    woken: bool
    """Its wake-up has not been taken."""
    slot_position: int
    """Where the target stands in the line for concurrency slots, from 1; 0 if it does not stand there."""
    quiet_period: int = 0
    quiet_max: int = 0


@dataclass(frozen=True, kw_only=True)
class Wait:
    """What one deploy waits for."""

    deploy: Deploy
    waits_for: WaitsFor
    why: str
    since: int
    until: int = 0
    """0 where no time is known."""
    behind: str = ""
    """The deploy that goes first."""
    position: int
    """In the line for slots if it waits for one, else among the waiting deploys of its target; from 1."""


def waits_of(target: QueuedTarget) -> list[Wait]:
    """What each waiting deploy of the target waits for."""
    return [_wait(target, position) for position in range(1, len(target.waiting) + 1)]


def _wait(target: QueuedTarget, position: int) -> Wait:
    deploy = target.waiting[position - 1]
    wait = Wait(
        deploy=deploy,
        waits_for=WaitsFor.WORKER,
        why="a worker has to take its wake-up",
        since=deploy.created_at,
        position=position,
    )
    return (
        _for_pause(target, wait)
        or _for_earlier(target, wait, target.waiting[: position - 1])
        or _for_time(target, wait)
        or _for_target(target, wait)
    )


def _for_pause(target: QueuedTarget, wait: Wait) -> Wait | None:
    paused = target.paused
    if paused is None:
        return None
    since = max(wait.since, paused.at)
    return replace(wait, waits_for=WaitsFor.PAUSE, why=str(paused), since=since)


def _for_earlier(target: QueuedTarget, wait: Wait, before: Sequence[Deploy]) -> Wait | None:
    """The active deploy goes first; then those before it in its stream, and those of others that may start."""
    stream = wait.deploy.stream
    first = target.active or next(
        (d for d in before if d.stream == stream or ready_at(target, d) <= target.now), None
    )
    if first is None:
        return None
    why = f"{first.name} is {first.state}" if first.active else f"{first.name} starts first"
    return replace(wait, waits_for=WaitsFor.EARLIER_DEPLOY, why=why, behind=first.name)


def _for_time(target: QueuedTarget, wait: Wait) -> Wait | None:
    deploy, settled = wait.deploy, settled_at(target, wait.deploy)
    if deploy.not_before > max(target.now, settled):
        why = f"tried again later: {deploy.why}" if deploy.why else "tried again later"
        return replace(wait, waits_for=WaitsFor.RETRY, why=why, until=deploy.not_before)
    if settled > target.now:
        why = f"no push for {target.quiet_period} s, or {target.quiet_max} s in all"
        return replace(wait, waits_for=WaitsFor.QUIET_PERIOD, why=why, until=settled)
    return None


def _for_target(target: QueuedTarget, wait: Wait) -> Wait:
    if target.woken:
        return wait
    if position := target.slot_position:
        why = target.trouble or "waits for a concurrency slot"
        return replace(wait, waits_for=WaitsFor.SLOT, why=why, position=position)
    if target.trouble:
        return replace(wait, waits_for=WaitsFor.CLUSTER, why=target.trouble)
    return wait


def ready_at(target: QueuedTarget, deploy: Deploy) -> int:
    """When it may start, as far as times decide."""
    return max(deploy.not_before, settled_at(target, deploy))


def settled_at(target: QueuedTarget, deploy: Deploy) -> int:
    """When its pushes count as settled; 0 where nobody waits for that."""
    if deploy.reason is not Reason.PUSH or not target.quiet_period:
        return 0
    quiet = deploy.wanted_at + target.quiet_period * 1000
    return min(quiet, deploy.created_at + target.quiet_max * 1000)
