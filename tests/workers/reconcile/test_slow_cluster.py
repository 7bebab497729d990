"""An API server that takes its time for each answer: the lease outlasts the calls, not only the steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from dispatcher.config import LONGEST_CALL
from dispatcher.domain.deploy import State
from dispatcher.domain.spec import Policies
from dispatcher.ledger import Repairs
from tests.model.fake_cluster import FakeCluster
from tests.model.world import TARGET, FaultyCluster, World
from tests.workers.reconcile.test_takeover import push, run, states, take_over
from workers.kube.client import Timeouts
from workers.kube.objects import Job, PodList

SLOW, LONGER_THAN_A_LEASE = 3.2, 7.0
T = TypeVar("T")


class SlowCluster(FaultyCluster):
    """Each call takes so many seconds, by the worker's clock and by that of its lease."""

    def __init__(self, world: World, cluster: FakeCluster) -> None:
        super().__init__(world, cluster)
        self.world, self.now = world, 0.0
        self.takes: dict[str, float] = {}
        """Seconds, by what is called."""
        self.calls: list[str] = []

    def clock(self) -> float:
        return self.now

    def create_job(self, manifest: dict[str, object]) -> Job:
        return self._slowly("create", super().create_job, manifest)

    def job(self, namespace: str, name: str) -> Job:
        return self._slowly("read", super().job, namespace, name)

    def delete_job(self, namespace: str, name: str, uid: str) -> bool:
        return self._slowly("delete", super().delete_job, namespace, name, uid)

    def page_of_pods(self, namespace: str, selector: str, position: str = "") -> PodList:
        return self._slowly("list", super().page_of_pods, namespace, selector, position)

    def log_tail(self, namespace: str, pod: str, container: str) -> str:
        return self._slowly("log", super().log_tail, namespace, pod, container)

    def _slowly(self, what: str, call: Callable[..., T], *args: Any) -> T:
        self.calls.append(what)
        seconds = self.takes.get(what, SLOW)
        self.now += seconds
        if self.world.is_leased():
            row = self.world.store.keys.row(TARGET)
            self.world.store.client.hincrby(row, "lease_until", -int(seconds * 1000))
        return call(*args)


@pytest.fixture
def policies() -> Policies:
    return Policies(start_timeout=10)


@pytest.fixture
def slow(world: World) -> SlowCluster:
    slow = SlowCluster(world, world.cluster)
    world.reconciler = dataclasses.replace(world.reconciler, cluster=slow, clock=slow.clock)
    return slow


def fail(world: World) -> None:
    """shop/1 runs, and its Job has failed."""
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    pod = run(world, "shop-1")
    world.observe_all()
    world.reconcile()
    world.cluster.end_pod(pod, 1)
    world.cluster.end_job("shop-1")
    world.observe_all()


def test_a_step_of_several_slow_calls_keeps_its_lease_and_ends_once(
    world: World, slow: SlowCluster
) -> None:
    fail(world)
    slow.calls.clear()

    with capture_logs() as logs:
        world.reconcile()
        for _ in range(2):
            take_over(world)

    (deploy,) = world.deploys().values()
    assert (deploy.state, deploy.log_tail) == (State.FAILED, "the log")
    assert slow.calls == ["list", "log"]
    assert [line["event"] for line in logs if line["event"] == "deploy failed"] == ["deploy failed"]
    assert "lease lost" not in [line["event"] for line in logs]


def test_a_claim_whose_name_is_taken_keeps_its_lease_too(world: World, slow: SlowCluster) -> None:
    world.submit(push("0", "a", 1), "1")
    world.faults = {"create": "unavailable after"}
    world.reconcile()
    world.store.ahead += 3_000
    slow.calls.clear()

    take_over(world)

    (deploy,) = world.deploys().values()
    assert slow.calls == ["create", "read"]
    assert deploy.uid == world.cluster.jobs["shop-1"].metadata.uid


def test_what_was_not_written_is_not_told_either(world: World, slow: SlowCluster) -> None:
    """One answer outlasts the lease all the same: the API server is slower than it is waited for."""
    fail(world)
    slow.takes = {"log": LONGER_THAN_A_LEASE}

    with capture_logs() as logs:
        world.reconcile()

    assert states(world) == [State.RUNNING]
    assert [line["event"] for line in logs] == ["lease lost"]


def test_a_repair_is_reported_and_counted_once_it_is_written(
    world: World, slow: SlowCluster
) -> None:
    world.submit(push("0", "a", 1), "1")
    world.faults = {"create": "unavailable after"}
    world.reconcile()
    world.store.ahead += 3_000
    slow.takes = {"read": LONGER_THAN_A_LEASE}

    with capture_logs() as logs:
        take_over(world)
    assert "repaired" not in [line["event"] for line in logs]
    assert not any(Repairs(world.store).counts().values())

    slow.takes = {}
    with capture_logs() as logs:
        take_over(world)
    assert [line["event"] for line in logs].count("repaired") == 1


def test_the_longest_wait_for_an_answer_is_what_leases_are_measured_by() -> None:
    timeouts = Timeouts()

    assert timeouts.connection + timeouts.answer <= LONGEST_CALL
