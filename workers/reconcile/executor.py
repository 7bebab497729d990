"""Carries out the steps that a plan names, on the cluster and in the draft of the target's row."""

from __future__ import annotations

from functools import singledispatchmethod

import structlog
from msgspec.structs import replace

from dispatcher.domain.deploy import State
from dispatcher.domain.errors import ClusterError, ClusterRefused, ClusterUnavailable
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.ledger import Slots
from workers.causes.events import of_events, unreadable
from workers.kube import labels
from workers.plan import steps
from workers.plan.active_deploy import after_failure, explained_by_events
from workers.plan.lookup import field, own_job
from workers.plan.observed_state import observe_pods
from workers.reconcile.draft import Draft
from workers.reconcile.job_creation import JobCreator
from workers.reconcile.leased_cluster import LeasedCluster

LOOKS_FOR_LOG = 4
"""How many looks in a row a log is tried for that its node does not give."""

log = structlog.get_logger()


class Executor:
    """Raises ClusterError for what did not work, and WriteConflict and LeaseLost when others were faster."""

    def __init__(self, slots: Slots, cluster: LeasedCluster, instance: str) -> None:
        self._slots, self._cluster, self._instance = slots, cluster, instance
        self._creator = JobCreator(cluster, instance)

    @singledispatchmethod
    def execute(self, step: steps.Step, draft: Draft) -> None:
        raise TypeError(f"no way to execute {step!r}")

    @execute.register
    def _create(self, step: steps.Create, draft: Draft) -> None:
        self._creator.create(step, draft)

    @execute.register
    def _reserve_name(self, step: steps.ReserveName, draft: Draft) -> None:
        self._creator.reserve_name(step, draft)

    @execute.register
    def _change(self, step: steps.Change, draft: Draft) -> None:
        draft.put(step.deploys)
        draft.drop_jobs(step.dropped)
        if step.repair:
            deploy = step.deploys[0]
            draft.repaired(step.repair, f"{deploy.name}: {deploy.why or deploy.note}")

    @execute.register
    def _claim_slot(self, step: steps.ClaimSlot, draft: Draft) -> None:
        since = step.deploy.created_at
        refused = self._slots.claim(draft.seen.target, step.namespace, since)
        draft.put_slot(str(refused) if refused else "")

    @execute.register
    def _stop(self, step: steps.Stop, draft: Draft) -> None:
        deploy = step.deploys[0]
        draft.put(step.deploys)
        draft.write()
        observed = own_job(draft.seen, deploy)
        there = self._cluster.delete_job(deploy.namespace, deploy.job, deploy.uid)
        draft.put([replace(deploy, delete_sent_at=draft.seen.now)])
        if not there:
            if observed:
                draft.drop_jobs([field(observed)])
        elif observed:
            draft.mark_deleting(observed)
        log.info("deploy stopping", deploy=deploy.name, why=deploy.why)

    @execute.register
    def _delete(self, step: steps.Delete, draft: Draft) -> None:
        """What may not be deleted is tried again later, and holds nothing up that need not wait for it."""
        observed = step.job
        draft.save()  # why it ended, before what tells it goes
        try:
            there = self._cluster.delete_job(observed.namespace, observed.job, observed.uid)
        except ClusterRefused as refused:
            log.error("Job not deleted", job=observed.job, why=str(refused))
            there = True
        else:
            log.info("Job deleted", job=observed.job, why=step.why)
            if step.repair:
                draft.repaired(step.repair, f"Job {observed.job} deleted: {step.why}")
        if there:
            draft.mark_deleting(observed)
        else:
            draft.drop_jobs([field(observed)])
        if step.deploy:
            draft.put([replace(step.deploy, delete_sent_at=draft.seen.now)])

    @execute.register
    def _look(self, step: steps.ListPods, draft: Draft) -> None:
        selector = labels.target_selector(self._instance, draft.seen.target, draft.former)
        found = self._cluster.pods(step.deploy.namespace, selector)
        live = [pod.metadata.name for pod in found if pod.live]
        draft.live_pods = len(live)
        if live:
            log.info("Pods of the target are still live", target=draft.seen.target, pods=live)

    @execute.register
    def _judge(self, step: steps.DiagnoseFailure, draft: Draft) -> None:
        """The watcher's state of the Pods can be older than its state of their Job."""
        known = step.job
        selector = labels.target_selector(self._instance, draft.seen.target, draft.former)
        pods = self._cluster.pods(known.namespace, f"{selector},{labels.JOB_UID}={known.uid}")
        observed = observe_pods(known, pods, known)
        deploy = after_failure(draft.seen, step.deploy, observed)
        if deploy.state is State.FAILED:
            deploy = replace(deploy, log_tail=self._log(observed, draft.seen.vain))
        draft.put([deploy])

    @execute.register
    def _ask(self, step: steps.ReadEvents, draft: Draft) -> None:
        """That events may not or cannot be read is said, and holds up nothing: they are no state."""
        observed = step.job
        try:
            why = of_events(
                self._cluster.events(observed.namespace, observed.pod_uid or observed.uid)
            )
        except ClusterError as error:
            why = unreadable(str(error))
        draft.put([explained_by_events(draft.seen, step.deploy, why)])

    def _log(self, observed: ObservedJob, looks_in_vain: int) -> str:
        """A node that went, or hangs, takes its logs with it: a few looks later the deploy ends without."""
        if not (observed.pod and observed.container):  # nothing of it ran
            return ""
        try:
            return self._cluster.log_tail(observed.namespace, observed.pod, observed.container)
        except ClusterRefused as refused:
            return f"(no log: {refused})"
        except ClusterUnavailable as away:
            if looks_in_vain < LOOKS_FOR_LOG - 1:
                raise
            return f"(no log: {away})"
