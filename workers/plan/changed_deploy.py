"""A deploy after a change: each function returns it as a step is to write it.

Which changes of state are allowed is in `dispatcher.domain.transitions`; the draft checks each against it.
"""

from __future__ import annotations

from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.refs import stream_of
from dispatcher.domain.snapshot import Snapshot
from dispatcher.domain.transitions import FOUND
from workers.causes.cause import Cause

FIRST_RETRY = 10_000
"""Milliseconds before a deploy that the cluster could not run is tried again; doubled each time."""


def attempted(deploy: Deploy, token: str, namespace: str) -> Deploy:
    """The deploy with its next attempt, whose Job has a name that was never used."""
    attempt = deploy.attempt + 1
    name = f"{deploy.target}-{deploy.number}" + (f"-{attempt}" if attempt > 1 else "")
    return replace(
        deploy,
        state=State.STARTING,
        attempt=attempt,
        token=token,
        namespace=namespace,
        job=name,
        uid="",
        started_at=0,  # this and the next two were the last attempt's
        cloning_at=0,
        events_read_at=0,
        why="",
        cause=None,
    )


def found(target: str, observed: ObservedJob) -> Deploy:
    """The deploy of a Job of ours, as far as the Job's labels and annotations tell."""
    suffix = observed.job.removeprefix(f"{target}-{observed.number}-")
    return Deploy(
        target=target,
        number=observed.number,
        state=FOUND,
        stream=stream_of(observed.ref),
        ref=observed.ref,
        commit=observed.commit,
        note="found in the cluster: the ledger did not know it",
        created_at=observed.created_at,
        wanted_at=observed.wanted_at or observed.created_at,
        starting_at=observed.created_at,
        attempt=int(suffix) if suffix.isdecimal() else 1,
        token=observed.token,
        namespace=observed.namespace,
        job=observed.job,
        uid=observed.uid,
    )


def renumbered(deploy: Deploy, number: int) -> Deploy:
    """A deploy whose number a Job has already: the ledger was emptied, and gave the number a second time. Or a
    deploy behind such a one."""
    return replace(
        deploy, number=number, note=f"was number {deploy.number} until its Job was found"
    )


def adopted(deploy: Deploy, uid: str) -> Deploy:
    return replace(deploy, uid=uid)


def stopping(seen: Snapshot, deploy: Deploy) -> Deploy:
    return replace(deploy, state=State.STOPPING, stopping_at=seen.now, delete_sent_at=0, cause=None)


def with_cause(deploy: Deploy, cause: Cause | None) -> Deploy:
    """The deploy with the cause that keeps it from starting, or that ended it."""
    if cause is None:
        return replace(deploy, cause=None, why="")
    return replace(deploy, cause=cause.kind, why=cause.why)


def requeued(seen: Snapshot, deploy: Deploy, cause: Cause) -> Deploy:
    """The deploy waits for its next attempt. Its Job is orphaned from now on, since no deploy has its token."""
    troubles = deploy.troubles + 1
    return replace(
        with_cause(deploy, cause),
        state=State.PENDING,
        uid="",
        token="",
        troubles=troubles,
        not_before=seen.now + FIRST_RETRY * 2 ** (troubles - 1),
    )


def ended(deploy: Deploy, state: State, now: int, why: str) -> Deploy:
    """A deploy that succeeded, or that a person or a newer push ended, has no cause."""
    return replace(deploy, state=state, ended_at=now, why=why, cause=None, delete_sent_at=0)


def ended_by(deploy: Deploy, state: State, now: int, cause: Cause) -> Deploy:
    return replace(ended(deploy, state, now, cause.why), cause=cause.kind)
