"""Brings one target to where its ledger row says that it should be, and lets it go again.

Reads, asks the plan for a step, carries it out, and so on until there is nothing to do but wait. A worker
never waits here: what it waits for comes back as a wake-up.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from dispatcher.config import LONGEST_CALL
from dispatcher.domain.errors import ClusterError, LeaseLost
from dispatcher.ledger import Leased, Repairs, Schedule, Slots, Targets, WakeUp
from workers.plan import plan, steps
from workers.reconcile.draft import Draft, WriteConflict
from workers.reconcile.executor import Executor
from workers.reconcile.leased_cluster import ClusterClient, LeasedCluster

MOST_STEPS = 100
"""Steps in one go; a target that needs more has something wrong, and gets another go later."""
MOST_ROUNDS = 100
"""Times that a target is read anew since something happened meanwhile; then its lease is left to end."""
LATER, LATEST = 2_000, 30_000
"""Milliseconds, on average, after which what did not work is tried again: the first time, and at the most."""
TO_WRITE = 0.5
"""Seconds of the lease that are left, after the longest wait for an answer, to write what came of it."""

log = structlog.get_logger()


def _is_held_off(trouble: ClusterError) -> bool:
    """The API server was not even asked, since it did not answer a moment ago."""
    return not trouble.sent and trouble.retry_after > 0


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
    """Puts wake-ups of other targets into the queue."""
    new_token: Callable[[], str] = _new_token
    jitter: Callable[[], float] = _jitter
    clock: Callable[[], float] = time.monotonic

    def reconcile(self, target: str) -> None:
        """Leaves a target that another worker holds to it. Raises LedgerUnavailable."""
        token = self.new_token()
        try:
            for _ in range(MOST_ROUNDS):
                if self._once(target, token):
                    return
            log.error(f"target is still changing after {MOST_ROUNDS} rounds", target=target)
        except LeaseLost as lost:
            log.warning("lease lost", target=target, reason=str(lost))

    def _once(self, target: str, token: str) -> bool:
        """Reads and works until the target was let go (True), or has to be read anew (False)."""
        leased_at = self.clock()
        seen = self.targets.acquire(target, token)
        if isinstance(seen, Leased):
            log.debug("target is held by another worker", target=target, for_ms=seen.milliseconds)
            return True
        draft = Draft(self.targets, self.repairs, token, seen, self.clock, leased_at)
        try:
            return self._try(draft)
        except WriteConflict:
            return False

    def _try(self, draft: Draft) -> bool:
        try:
            return self._work(draft)
        except ClusterError as trouble:
            if not draft.seen.vain:
                log.warning("cluster request failed", target=draft.seen.target, why=str(trouble))
            draft.put_failed_look(not _is_held_off(trouble))
            return self._release(draft, self._again_at(draft, trouble), str(trouble))

    def _again_at(self, draft: Draft, trouble: ClusterError) -> int:
        """Later each time, and not before the API server wants to be asked again."""
        asked = draft.seen.now + int(trouble.retry_after * 1000)
        return asked if _is_held_off(trouble) else max(self._later(draft), asked)

    def _work(self, draft: Draft) -> bool:
        calls = LeasedCluster(self.cluster, lambda: self._renew(draft))
        executor = Executor(self.slots, calls, self.instance)
        for _ in range(MOST_STEPS):
            step = plan(draft.seen, self.new_token(), draft.live_pods)
            if isinstance(step, steps.Wait):
                return self._rest(draft, step)
            self._renew(draft)
            executor.execute(step, draft)
        log.error(f"plan does not end after {MOST_STEPS} steps", target=draft.seen.target)
        return self._release(
            draft, self._later(draft), f"the plan does not end after {MOST_STEPS} steps"
        )

    def _rest(self, draft: Draft, step: steps.Wait) -> bool:
        was_in_vain = draft.seen.vain
        done = self._release(draft, step.due_at, step.trouble)
        if done and was_in_vain:
            log.info("cluster requests succeed again", target=draft.seen.target)
        return done

    def _renew(self, draft: Draft) -> None:
        """A slow API server must not use the lease up: what is done is written, and the lease begins anew,
        where what is left of it is less than a request can take."""
        lease = self.targets.lease / 1000
        if self.clock() - draft.leased_at > min(lease / 3, lease - LONGEST_CALL - TO_WRITE):
            draft.write()

    def _release(self, draft: Draft, due_at: int | None, trouble: str) -> bool:
        """Lets the target go; if that frees its concurrency slot, who waits for it is woken."""
        leaves, done = draft.frees_slot, draft.release(due_at, trouble)
        if leaves and done:
            offered = self.slots.offer()
            self.enqueue(self.schedule.wake(offered, "a concurrency slot is free for it"))
        return done

    def _later(self, draft: Draft) -> int:
        pause = min(LATEST, LATER * 2 ** min(draft.seen.vain, 10))
        return draft.seen.now + int(pause * self.jitter())
