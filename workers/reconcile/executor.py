"""Carries out the steps that the plan returns, on the cluster and in the draft of the target's row."""

from __future__ import annotations

from typing import assert_never

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
from workers.plan.lookup import own_job
from workers.plan.observed_state import observe_pods
from workers.reconcile.draft import Draft
from workers.reconcile.job_creation import JobCreator
from workers.reconcile.leased_cluster import LeasedCluster

LOG_ATTEMPTS = 4
"""How often in a row a worker tries to read a log that the Pod's node does not give."""

log = structlog.get_logger()


class Executor:
    """Raises ClusterError for a request that failed, WriteConflict and LeaseLost
    if the target changed meanwhile."""

    def __init__(self, slots: Slots, cluster: LeasedCluster, instance: str) -> None:
        self._slots, self._cluster, self._instance = slots, cluster, instance
        self._creator = JobCreator(cluster, instance)

    def execute(self, step: steps.Executable, draft: Draft) -> None:
        match step:
            case steps.Change():
                self._change(step, draft)
            case steps.ClaimSlot():
                self._claim_slot(step, draft)
            case steps.Create():
                self._creator.create(step, draft)
            case steps.ReserveName():
                self._creator.reserve_name(step, draft)
            case steps.Stop():
                self._stop(step, draft)
            case steps.Delete():
                self._delete(step, draft)
            case steps.ListPods():
                self._list_pods(step, draft)
            case steps.DiagnoseFailure():
                self._diagnose_failure(step, draft)
            case steps.ReadEvents():
                self._read_events(step, draft)
            case _:
                assert_never(step)

    def _change(self, step: steps.Change, draft: Draft) -> None:
        draft.put(step.deploys)
        draft.drop_jobs(step.dropped)
        if step.repair:
            deploy = step.deploys[0]
            draft.repaired(step.repair, f"{deploy.name}: {deploy.why or deploy.note}")

    def _claim_slot(self, step: steps.ClaimSlot, draft: Draft) -> None:
        since = step.deploy.created_at
        refused = self._slots.claim(draft.seen.target, step.namespace, since)
        draft.put_slot(str(refused) if refused else "")

    def _stop(self, step: steps.Stop, draft: Draft) -> None:
        deploy = step.deploys[0]
        draft.put(step.deploys)
        draft.write()
        observed = own_job(draft.seen, deploy)
        there = self._cluster.delete_job(deploy.namespace, deploy.job, deploy.uid)
        draft.put([replace(deploy, delete_sent_at=draft.seen.now)])
        if not there:
            if observed:
                draft.drop_jobs([observed.key])
        elif observed:
            draft.mark_deleting(observed)
        log.info("deploy stopping", deploy=deploy.name, why=deploy.why)

    def _delete(self, step: steps.Delete, draft: Draft) -> None:
        """A Job that the worker may not delete is tried again later; meanwhile the target goes on."""
        observed = step.job
        draft.write_if_changed()  # a deploy's end and its cause, before the Job that shows them is gone
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
            draft.drop_jobs([observed.key])
        if step.deploy:
            draft.put([replace(step.deploy, delete_sent_at=draft.seen.now)])

    def _list_pods(self, step: steps.ListPods, draft: Draft) -> None:
        selector = labels.target_selector(self._instance, draft.seen.target, draft.former)
        found = self._cluster.pods(step.deploy.namespace, selector)
        live = [pod.metadata.name for pod in found if pod.live]
        draft.live_pods = len(live)
        if live:
            log.info("Pods of the target are still live", target=draft.seen.target, pods=live)

    def _diagnose_failure(self, step: steps.DiagnoseFailure, draft: Draft) -> None:
        """Lists the Pods itself: the state of the Pods that the watcher recorded can
        be older than the Job's."""
        known = step.job
        selector = labels.target_selector(self._instance, draft.seen.target, draft.former)
        pods = self._cluster.pods(known.namespace, f"{selector},{labels.JOB_UID}={known.uid}")
        observed = observe_pods(known, pods, known)
        deploy = after_failure(draft.seen, step.deploy, observed)
        if deploy.state is State.FAILED:
            deploy = replace(deploy, log_tail=self._log_tail(observed, draft.seen.failures))
        draft.put([deploy])

    def _read_events(self, step: steps.ReadEvents, draft: Draft) -> None:
        """If the events cannot be read, that is the cause shown. It delays nothing: events are no state."""
        observed = step.job
        try:
            why = of_events(
                self._cluster.events(observed.namespace, observed.pod_uid or observed.uid)
            )
        except ClusterError as error:
            why = unreadable(str(error))
        draft.put([explained_by_events(draft.seen, step.deploy, why)])

    def _log_tail(self, observed: ObservedJob, failures: int) -> str:
        """A node that is gone or hangs gives no log: after a few attempts the deploy ends without it."""
        if not (observed.pod and observed.container):  # no container ran
            return ""
        try:
            return self._cluster.log_tail(observed.namespace, observed.pod, observed.container)
        except ClusterRefused as refused:
            return f"(no log: {refused})"
        except ClusterUnavailable as away:
            if failures < LOG_ATTEMPTS - 1:
                raise
            return f"(no log: {away})"
