"""Brings one target to where its ledger row says that it should be, and lets it go again.

Reads, asks the plan for a step, carries it out, and so on until there is nothing to do but wait. A worker
never waits here: what it waits for comes back as a wake-up.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatchmethod
from typing import Protocol

import structlog
from msgspec.structs import replace

from dispatcher.errors import (
    ClusterError,
    ClusterForbids,
    ClusterRefused,
    ClusterUnavailable,
    DispatcherError,
    LeaseLost,
)
from dispatcher.ledger import Leased, Ledger
from dispatcher.model import Deploy, JobFacts, State
from workers import labels
from workers.cluster import JobExists, NotThere
from workers.draft import Draft, Outdated
from workers.facts import told_by_job
from workers.manifest import job_for, tombstone_for
from workers.objects import Job
from workers.plan import plan
from workers.planning import steps
from workers.planning.active import again_or
from workers.planning.deploys import adopted, ended
from workers.planning.reading import facts_of, field
from workers.planning.times import overdue_at

MOST_STEPS = 100
"""Steps in one go; a target that needs more has something wrong, and gets another go later."""
MOST_ROUNDS = 100
"""Times that a target is read anew since something happened meanwhile; then its lease is left to end."""
LATER = 2_000
"""Milliseconds, on average, after which what did not work is tried again."""

log = structlog.get_logger()


class ClusterCalls(Protocol):
    """What reconciling needs of the cluster: see `workers.cluster.Cluster`."""

    def create_job(self, manifest: dict[str, object]) -> Job: ...
    def job(self, namespace: str, name: str) -> Job: ...
    def delete_job(self, namespace: str, name: str, uid: str) -> bool: ...
    def live_pods(self, namespace: str, selector: str) -> list[str]: ...
    def log_tail(self, namespace: str, pod: str, container: str) -> str: ...


def _new_token() -> str:
    return secrets.token_hex(8)


def _jitter() -> float:
    return 0.5 + secrets.randbelow(1000) / 1000


@dataclass(frozen=True)
class Reconciler:
    """Everything a worker needs; one per process."""

    ledger: Ledger
    cluster: ClusterCalls
    instance: str
    new_token: Callable[[], str] = _new_token
    jitter: Callable[[], float] = _jitter

    def reconcile(self, target: str) -> None:
        """Leaves a target that another worker holds to it. Raises LedgerUnavailable."""
        token = self.new_token()
        try:
            for _ in range(MOST_ROUNDS):
                if self._once(target, token):
                    return
            log.error("it moves all the time; another worker takes it up", target=target)
        except LeaseLost as lost:
            log.warning("lease lost", target=target, reason=str(lost))

    def _once(self, target: str, token: str) -> bool:
        """Reads and works until the target was let go (True), or has to be read anew (False)."""
        seen = self.ledger.acquire(target, token)
        if isinstance(seen, Leased):
            log.debug("held by another worker", target=target, for_ms=seen.milliseconds)
            return True
        draft = Draft(self.ledger, token, seen)
        try:
            return self._try(draft)
        except Outdated:
            return False

    def _try(self, draft: Draft) -> bool:
        try:
            return self._work(draft)
        except ClusterError as trouble:
            log.warning("cluster", target=draft.seen.target, trouble=str(trouble))
            return draft.release(self._later(draft), str(trouble))

    def _work(self, draft: Draft) -> bool:
        for _ in range(MOST_STEPS):
            step = plan(draft.seen, self.new_token(), draft.live_pods)
            if isinstance(step, steps.Wait):
                return draft.release(step.due_at, step.trouble)
            self._do(step, draft)
        log.error("no end of steps", target=draft.seen.target)
        return draft.release(self._later(draft), f"gave up after {MOST_STEPS} steps")

    def _later(self, draft: Draft) -> int:
        return draft.seen.now + int(LATER * self.jitter())

    @singledispatchmethod
    def _do(self, step: steps.Step, draft: Draft) -> None:
        raise TypeError(f"no way to do {step!r}")

    @_do.register
    def _change(self, step: steps.Change, draft: Draft) -> None:
        for deploy in step.deploys:
            _say(deploy)
        draft.put(step.deploys)
        draft.drop_jobs(step.dropped)

    @_do.register
    def _create(self, step: steps.Create, draft: Draft) -> None:
        deploy, spec = step.deploy, draft.seen.spec
        if spec is None:
            raise DispatcherError(f"{deploy.name} was planned without a configuration")
        draft.put([deploy])
        draft.live_pods = None
        draft.write()
        try:
            job = self.cluster.create_job(job_for(spec, deploy, self.instance))
        except JobExists:
            self._name_taken(draft, deploy)
        except ClusterRefused as refused:
            self._refused(draft, deploy, refused)
        else:
            self._there(draft, deploy, job)
            log.info("started", deploy=deploy.name, job=deploy.job, commit=deploy.commit[:12])

    @_do.register
    def _claim(self, step: steps.Claim, draft: Draft) -> None:
        """Somebody's POST may be on its way: take its name, so that it comes too late, or find its Job."""
        deploy, spec = step.deploy, draft.seen.spec
        if spec is None:
            raise ClusterUnavailable("no watcher has published a configuration of this target")
        try:
            tombstone = self.cluster.create_job(tombstone_for(spec, deploy, self.instance))
        except JobExists:
            self._name_taken(draft, deploy, claimed=True)
        except ClusterRefused as refused:
            self._not_claimed(draft, deploy, refused)
        else:
            log.warning("claimed the name of a lost start", deploy=deploy.name, job=deploy.job)
            draft.put_job(told_by_job(tombstone)[1])
            draft.put([_waiting_again(deploy)])

    def _not_claimed(self, draft: Draft, deploy: Deploy, refused: ClusterRefused) -> None:
        """That the claim was refused says nothing about the POST before it: its Job may run."""
        try:
            self._name_taken(draft, deploy, claimed=True)
        except ClusterUnavailable:
            if draft.seen.now < overdue_at(draft.seen, deploy):
                raise
            self._refused(draft, deploy, refused)

    def _name_taken(self, draft: Draft, deploy: Deploy, *, claimed: bool = False) -> None:
        try:
            job = self.cluster.job(deploy.namespace, deploy.job)
        except NotThere:
            if claimed:  # nothing keeps a late POST out: claim again, later
                raise ClusterUnavailable(f"nobody knows whether {deploy.job} starts") from None
            draft.put([_waiting_again(deploy)])
            return
        ours = job.metadata.annotations.get(labels.TOKEN) == deploy.token
        if ours and job.metadata.deletion_timestamp is None:
            self._there(draft, deploy, job)
            log.info("adopted", deploy=deploy.name, job=deploy.job)
        else:
            log.warning("name taken", deploy=deploy.name, job=deploy.job)
            target, facts = told_by_job(job)
            if target == deploy.target:
                draft.put_job(facts)
            draft.put([_waiting_again(deploy)])

    def _refused(self, draft: Draft, deploy: Deploy, refused: ClusterRefused) -> None:
        """Quota, admission, rights or a missing namespace can change; a Job that makes no sense cannot."""
        if isinstance(refused, (ClusterForbids, NotThere)):
            result = again_or(draft.seen, deploy, State.FAILED, str(refused))
        else:
            result = ended(deploy, State.FAILED, draft.seen.now, str(refused))
        _say(result)
        draft.put([result])

    def _there(self, draft: Draft, deploy: Deploy, job: Job) -> None:
        draft.put_job(told_by_job(job)[1])
        draft.put([adopted(deploy, job.metadata.uid, job.metadata.resource_version)])

    @_do.register
    def _stop(self, step: steps.Stop, draft: Draft) -> None:
        deploy = step.deploys[0]
        draft.put(step.deploys)
        draft.write()
        facts = facts_of(draft.seen, deploy)
        there = self.cluster.delete_job(deploy.namespace, deploy.job, deploy.uid)
        draft.put([replace(deploy, delete_sent_at=draft.seen.now)])
        if not there:
            if facts:
                draft.drop_jobs([field(facts)])
        elif facts:
            draft.mark_deleting(facts)
        log.info("stopping", deploy=deploy.name, why=deploy.why)

    @_do.register
    def _delete(self, step: steps.Delete, draft: Draft) -> None:
        """What may not be deleted is tried again later, and holds nothing up that need not wait for it."""
        facts = step.facts
        try:
            there = self.cluster.delete_job(facts.namespace, facts.job, facts.uid)
        except ClusterRefused as refused:
            log.error("not deleted", job=facts.job, why=str(refused))
            there = True
        else:
            log.info("deleted", job=facts.job, why=step.why)
        if there:
            draft.mark_deleting(facts)
        else:
            draft.drop_jobs([field(facts)])
        if step.deploy:
            draft.put([replace(step.deploy, delete_sent_at=draft.seen.now)])

    @_do.register
    def _look(self, step: steps.LookForPods, draft: Draft) -> None:
        selector = labels.target_selector(self.instance, draft.seen.target)
        found = self.cluster.live_pods(step.deploy.namespace, selector)
        draft.live_pods = len(found)
        if found:
            log.info("Pods are left", target=draft.seen.target, pods=found)

    @_do.register
    def _read_log(self, step: steps.ReadLog, draft: Draft) -> None:
        deploy = replace(step.deploy, log_tail=self._log(step.facts))
        _say(deploy)
        draft.put([deploy])

    def _log(self, facts: JobFacts) -> str:
        if not facts.pod:
            return ""
        try:
            return self.cluster.log_tail(facts.namespace, facts.pod, facts.container)
        except ClusterRefused as refused:
            return f"(no log: {refused})"


def _waiting_again(deploy: Deploy) -> Deploy:
    """Back in the queue: its next start takes the next name."""
    return replace(deploy, state=State.PENDING, uid="", created_rv="")


def _say(deploy: Deploy) -> None:
    if deploy.terminal or deploy.state is State.RUNNING:
        level = log.warning if deploy.state in (State.FAILED, State.LOST) else log.info
        level(str(deploy.state), deploy=deploy.name, commit=deploy.commit[:12], why=deploy.why)
