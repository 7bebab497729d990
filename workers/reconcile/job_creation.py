"""Creates the Job of a deploy exactly once, even if the answer to a POST is lost, or if a POST of another
worker may still arrive. The reasons are in docs/decisions/0004-name-reservations.md."""

from __future__ import annotations

import structlog
from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.errors import ClusterRefused, ClusterUnavailable, DispatcherError
from dispatcher.domain.repairs import Kind
from workers.causes.refusals import of_refusal
from workers.kube import labels
from workers.kube.client import JobExists, NotThere
from workers.kube.objects import Job
from workers.manifest.job import job_for, name_reservation_for
from workers.plan import steps
from workers.plan.active_deploy import retry_or_end
from workers.plan.changed_deploy import adopted, ended_by
from workers.plan.observed_state import observe_job
from workers.plan.times import overdue_at
from workers.reconcile.draft import Draft
from workers.reconcile.leased_cluster import LeasedCluster

log = structlog.get_logger()


class JobCreator:
    """Raises ClusterUnavailable if the result is unknown: a name reservation resolves it later."""

    def __init__(self, cluster: LeasedCluster, instance: str) -> None:
        self._cluster, self._instance = cluster, instance

    def create(self, step: steps.Create, draft: Draft) -> None:
        deploy, spec = step.deploy, draft.seen.spec
        if spec is None:
            raise DispatcherError(f"{deploy.name} was planned without a configuration")
        draft.put([deploy])
        draft.live_pods = None
        draft.write()
        try:
            job = self._cluster.create_job(job_for(spec, deploy, self._instance))
        except JobExists:
            self._name_taken(draft, deploy)
        except ClusterRefused as refused:
            self._refused(draft, deploy, refused)
        except ClusterUnavailable as away:
            if not away.sent:  # no POST can arrive late, so there is nothing to resolve
                draft.put([_pending_again(deploy)])
            raise
        else:
            self._adopt(draft, deploy, job)
            log.info("Job created", deploy=deploy.name, job=deploy.job, commit=deploy.commit[:12])

    def reserve_name(self, step: steps.ReserveName, draft: Draft) -> None:
        """A POST may still arrive: reserves its name, so that it is refused, or finds
        the Job that it created."""
        deploy, spec = step.deploy, draft.seen.spec
        if spec is None:
            raise ClusterUnavailable("no watcher has published a configuration of this target")
        try:
            reservation = self._cluster.create_job(
                name_reservation_for(spec, deploy, self._instance)
            )
        except JobExists:
            self._name_taken(draft, deploy, reserving=True)
        except ClusterRefused as refused:
            self._not_reserved(draft, deploy, refused)
        else:
            draft.repaired(
                Kind.UNRESOLVED_START, f"{deploy.name}: the name {deploy.job} is reserved"
            )
            draft.put_job(observe_job(reservation)[1])
            draft.put([_pending_again(deploy)])

    def _not_reserved(self, draft: Draft, deploy: Deploy, refused: ClusterRefused) -> None:
        """A refused reservation says nothing about the POST before it, whose Job may run."""
        try:
            self._name_taken(draft, deploy, reserving=True)
        except ClusterUnavailable:
            if draft.seen.now < overdue_at(draft.seen, deploy):
                raise
            self._refused(draft, deploy, refused)

    def _name_taken(self, draft: Draft, deploy: Deploy, *, reserving: bool = False) -> None:
        try:
            job = self._cluster.job(deploy.namespace, deploy.job)
        except NotThere:
            if reserving:  # the name is free again, so a late POST may come: reserve it later
                raise ClusterUnavailable(
                    f"it is unknown whether Job {deploy.job} will be created"
                ) from None
            draft.put([_pending_again(deploy)])
            return
        ours = job.metadata.annotations.get(labels.TOKEN) == deploy.token
        if ours and job.metadata.deletion_timestamp is None:
            self._adopt(draft, deploy, job)
            draft.repaired(Kind.UNRESOLVED_START, f"{deploy.name}: Job {deploy.job} is there")
        else:
            log.warning("Job name is taken by another Job", deploy=deploy.name, job=deploy.job)
            target, observed = observe_job(job)
            if target in (deploy.target, *draft.former):
                draft.put_job(observed)
            draft.put([_pending_again(deploy)])

    def _refused(self, draft: Draft, deploy: Deploy, refused: ClusterRefused) -> None:
        """A quota, admission, rights or a missing namespace can change: it is retried.
        An invalid Job is not."""
        cause = of_refusal(refused)
        if cause.retry:
            result = retry_or_end(draft.seen, deploy, State.FAILED, cause)
        else:
            result = ended_by(deploy, State.FAILED, draft.seen.now, cause)
        draft.put([result])

    def _adopt(self, draft: Draft, deploy: Deploy, job: Job) -> None:
        draft.put_job(observe_job(job)[1])
        draft.put([adopted(deploy, job.metadata.uid)])


def _pending_again(deploy: Deploy) -> Deploy:
    """The deploy waits again; its next attempt takes the next name."""
    return replace(deploy, state=State.PENDING, uid="")
