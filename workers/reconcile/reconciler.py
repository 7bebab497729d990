"""Reconciles one target: brings the cluster and the ledger to where the target's row says that they should be.

The reconciler leases the target, reads it, asks the plan for a step and carries the step out, until the step
is to wait. Then it releases the target. A worker never waits itself: a wake-up calls it again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from dispatcher.config import LONGEST_CALL
from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.errors import ClusterError, LeaseLost
from dispatcher.ledger import Leased, Repairs, Schedule, Slots, Targets, WakeUp
from workers.plan import plan, steps
from workers.reconcile.draft import Draft, Recorded, WriteConflict
from workers.reconcile.executor import Executor
from workers.reconcile.leased_cluster import ClusterClient, LeasedCluster

MOST_STEPS = 100
"""Steps in one round; a target that needs more has something wrong, and is tried again later."""
MOST_ROUNDS = 100
"""Times that a target is read anew because it changed meanwhile; then its lease is left to expire."""
LATER, LATEST = 2_000, 30_000
"""Milliseconds, on average, until a target is tried again whose cluster requests failed: at first, at most."""
TO_WRITE = 0.5
"""Seconds of the lease that remain, after the longest request, to write its result."""

log = structlog.get_logger()


def _is_held_off(trouble: ClusterError) -> bool:
    """The circuit breaker is open: the request was not sent."""
    return not trouble.sent and trouble.retry_after > 0


def _unobserved(deploy: Deploy, was: State | None) -> None:
    pass


def _new_token() -> str:
    return secrets.token_hex(8)


def _jitter() -> float:
    return 0.5 + secrets.randbelow(1000) / 1000


@dataclass(frozen=True)
class Reconciler:
    """Everything a worker needs; one per process."""

    targets: Targets
    slots: Slots
    schedule: Schedule
    repairs: Repairs
    cluster: ClusterClient
    instance: str
    enqueue: Callable[[Sequence[WakeUp]], None]
    """Puts the wake-ups of other targets into RQ's queue."""
    new_token: Callable[[], str] = _new_token
    jitter: Callable[[], float] = _jitter
    clock: Callable[[], float] = time.monotonic
    recorded: Recorded = _unobserved
    """Called for each deploy whose new state was written."""

    def reconcile(self, target: str) -> None:
        """Does nothing if another worker has the target's lease. Raises LedgerUnavailable."""
        token = self.new_token()
        try:
            for _ in range(MOST_ROUNDS):
                with suppress(WriteConflict):
                    if self._round(target, token):
                        return
            log.error(f"target is still changing after {MOST_ROUNDS} rounds", target=target)
        except LeaseLost as lost:
            log.warning("lease lost", target=target, reason=str(lost))

    def _round(self, target: str, token: str) -> bool:
        """True once the target is released, False if it has to be read anew.
        Raises WriteConflict for that too."""
        leased_at = self.clock()
        seen = self.targets.acquire(target, token)
        if isinstance(seen, Leased):
            log.debug("target is held by another worker", target=target, for_ms=seen.milliseconds)
            return True
        draft = Draft(self.targets, self.repairs, token, seen, self.clock, leased_at, self.recorded)
        try:
            return self._work(draft)
        except ClusterError as trouble:
            if not draft.seen.failures:
                log.warning("cluster request failed", target=draft.seen.target, why=str(trouble))
            draft.count_failure(not _is_held_off(trouble))
            return self._release(draft, self._again_at(draft, trouble), str(trouble))

    def _again_at(self, draft: Draft, trouble: ClusterError) -> int:
        """After a longer pause each time, and not before the API server wants to be asked again."""
        asked = draft.seen.now + int(trouble.retry_after * 1000)
        return asked if _is_held_off(trouble) else max(self._later(draft), asked)

    def _work(self, draft: Draft) -> bool:
        calls = LeasedCluster(self.cluster, lambda: self._renew(draft))
        executor = Executor(self.slots, calls, self.instance)
        for _ in range(MOST_STEPS):
            step = plan(draft.seen, self.new_token(), draft.live_pods)
            if isinstance(step, steps.Wait):
                return self._wait(draft, step)
            self._renew(draft)
            executor.execute(step, draft)
        log.error(f"plan does not end after {MOST_STEPS} steps", target=draft.seen.target)
        return self._release(
            draft, self._later(draft), f"the plan does not end after {MOST_STEPS} steps"
        )

    def _wait(self, draft: Draft, step: steps.Wait) -> bool:
        had_failed = draft.seen.failures
        done = self._release(draft, step.due_at, step.trouble)
        if done and had_failed:
            log.info("cluster requests succeed again", target=draft.seen.target)
        return done

    def _renew(self, draft: Draft) -> None:
        """Writes the draft, which renews the lease, if the rest of the lease is shorter than a request can
        take: a slow API server must not use it up."""
        lease = self.targets.lease / 1000
        if self.clock() - draft.leased_at > min(lease / 3, lease - LONGEST_CALL - TO_WRITE):
            draft.write()

    def _release(self, draft: Draft, due_at: int | None, trouble: str) -> bool:
        """Releases the target; if that frees its concurrency slot, wakes the target that waits for one."""
        frees, done = draft.frees_slot, draft.release(due_at, trouble)
        if frees and done:
            offered = self.slots.offer()
            self.enqueue(self.schedule.wake(offered, "a concurrency slot is free for it"))
        return done

    def _later(self, draft: Draft) -> int:
        pause = min(LATEST, LATER * 2 ** min(draft.seen.failures, 10))
        return draft.seen.now + int(pause * self.jitter())
