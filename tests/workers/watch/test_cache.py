"""Lists and events in, what has changed out."""

from __future__ import annotations

from datetime import UTC, datetime

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.observed_job import ObservedJob
from workers.kube import labels
from workers.kube.objects import (
    Condition,
    ContainerState,
    ContainerStatus,
    Job,
    JobStatus,
    Metadata,
    Pod,
    PodStatus,
    Terminated,
    Waiting,
)
from workers.watch.cache import Cache

BORN = datetime(2030, 1, 1, tzinfo=UTC)
LABELS = {labels.TARGET: "shop", labels.NUMBER: "1"}


def job(rv: str = "1", *conditions: Condition) -> Job:
    metadata = Metadata(
        name="shop-1",
        namespace="ns",
        uid="u",
        resource_version=rv,
        creation_timestamp=BORN,
        labels=LABELS,
        annotations={labels.TOKEN: "t"},
    )
    return Job(metadata, JobStatus(conditions))


def pod(phase: str, *containers: ContainerStatus, name: str = "shop-1-x") -> Pod:
    metadata = Metadata(
        name=name,
        namespace="ns",
        uid=name,
        creation_timestamp=BORN,
        labels={**LABELS, "batch.kubernetes.io/controller-uid": "u"},
    )
    return Pod(metadata, PodStatus(phase=phase, container_statuses=containers))


RUNNING = ContainerStatus("deploy", ContainerState(running={}))
BROKEN = ContainerStatus("deploy", ContainerState(terminated=Terminated(exit_code=3)))


def only_change(changes: list[tuple[str, ObservedJob]]) -> ObservedJob:
    ((target, observed),) = changes
    assert target == "shop"
    return observed


def listed() -> Cache:
    cache = Cache()
    cache.jobs_listed("ns", [])
    cache.pods_listed("ns", [])
    return cache


def test_a_job_is_reported_once_and_not_again_when_nothing_has_changed() -> None:
    cache = listed()

    observed = only_change(cache.job_changed(job("1")))

    assert (observed.job, observed.token, observed.number, observed.rv) == ("shop-1", "t", 1, "1")
    assert cache.job_changed(job("2")) == []


def test_a_pod_that_is_heard_of_before_its_job_says_nothing_yet() -> None:
    cache = listed()

    assert cache.pod_changed(pod("Running", RUNNING)) == []

    observed = only_change(cache.job_changed(job()))
    assert (observed.started, observed.live_pods, observed.gone) == (True, 1, False)


def test_started_stands_when_the_pod_is_gone() -> None:
    cache = listed()
    cache.job_changed(job())
    cache.pod_changed(pod("Running", RUNNING))

    observed = only_change(cache.pod_deleted(pod("Running", RUNNING)))

    assert (observed.started, observed.live_pods) == (True, 0)


def test_a_failure_names_the_container_and_its_exit_code() -> None:
    cache = listed()
    cache.job_changed(job())
    cache.pod_changed(pod("Failed", BROKEN))

    failed = Condition("Failed", "True", "BackoffLimitExceeded", "it failed")
    observed = only_change(cache.job_changed(job("2", failed)))

    assert (observed.outcome, observed.container, observed.exit_code) == ("failed", "deploy", 3)
    assert observed.reason == "BackoffLimitExceeded"


def test_a_condition_that_is_not_true_is_no_end() -> None:
    cache = listed()

    assert only_change(cache.job_changed(job("1", Condition("Complete", "False")))).outcome == ""
    assert (
        only_change(cache.job_changed(job("2", Condition("Complete", "True")))).outcome
        == "succeeded"
    )


def test_a_deleted_job_is_gone_but_its_pods_still_count() -> None:
    cache = listed()
    cache.job_changed(job())
    cache.pod_changed(pod("Running", RUNNING))

    gone = only_change(cache.job_deleted(job("2")))
    assert (gone.gone, gone.live_pods, gone.all_gone) == (True, 1, False)

    over = only_change(cache.pod_deleted(pod("Running", RUNNING)))
    assert over.all_gone


def test_a_job_that_a_list_does_not_have_is_gone() -> None:
    cache = listed()
    cache.job_changed(job())

    assert only_change(cache.jobs_listed("ns", [])).all_gone
    assert cache.jobs_listed("ns", []) == []


def test_another_namespaces_list_says_nothing_about_it() -> None:
    cache = listed()
    cache.job_changed(job())

    assert cache.jobs_listed("elsewhere", []) == []
    assert cache.pods_listed("elsewhere", []) == []


def test_a_job_that_only_the_ledger_knows_has_vanished() -> None:
    cache = listed()
    known = ObservedJob(namespace="ns", job="shop-1", uid="u", rv="1", number=1)

    assert only_change(cache.vanished("shop", known)).all_gone


def test_pods_that_are_listed_after_their_job_vanished_are_reported() -> None:
    cache = Cache()
    cache.jobs_listed("ns", [])
    known = ObservedJob(namespace="ns", job="shop-1", uid="u", rv="1", number=1)
    cache.vanished("shop", known)

    observed = only_change(cache.pods_listed("ns", [pod("Running", RUNNING)]))

    assert (observed.gone, observed.live_pods) == (True, 1)


def test_why_a_pod_does_not_run_is_reported_in_words() -> None:
    cache = listed()
    cache.job_changed(job())
    waiting = ContainerState(waiting=Waiting("ImagePullBackOff", "no such image"))

    observed = only_change(cache.pod_changed(pod("Pending", ContainerStatus("deploy", waiting))))

    assert observed.why == "container deploy waits: ImagePullBackOff: no such image"
    assert observed.cause is CauseKind.IMAGE
