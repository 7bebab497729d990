"""What workers leave in RQ, as RQ's own tools show it: it goes once its target was reconciled again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from dispatcher.domain.repairs import Kind, Repair
from dispatcher.ledger import RqTasks, WakeUp, WakeUps, connect
from dispatcher.ledger.wakeups import FAILURE_TTL
from tests.model.world import TARGET, World
from tests.workers.reconcile.test_takeover import push
from workers.watch.left_tasks import LEFT_AFTER, LOOK_EVERY, LeftTasks

RQ = Path(sys.executable).with_name("rq")


@dataclass
class InRq:
    """A world whose wake-ups are in a real queue of RQ's, and what the watcher clears there."""

    world: World
    wake_ups: WakeUps
    url: str
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.left = LeftTasks(self.world.store, self.wake_ups, lambda: self.seconds)

    @property
    def queue(self) -> Queue:
        return self.wake_ups.queue

    def enqueue(self) -> str:
        """The newest wake-up of the world; its task's id."""
        wake_up = self.world.queue[-1]
        self.wake_ups.enqueue([wake_up])
        return self.wake_ups.ids.of(wake_up)

    def take_and_die(self, *, before_it_begins: bool = False) -> None:
        """A worker takes a task, and is killed."""
        worker = SimpleWorker(
            [self.queue], connection=self.queue.connection, serializer=JSONSerializer
        )
        worker.register_birth()  # type: ignore[no-untyped-call]
        taken = worker.dequeue_job_and_maintain_ttl(1)
        assert taken is not None
        if not before_it_begins:
            worker.prepare_execution(taken[0])
            worker.prepare_job_execution(taken[0], remove_from_intermediate_queue=True)

    def fail(self, task: str) -> None:
        """It ends with an exception."""
        job = self.queue.fetch_job(task)
        assert job is not None
        self.queue.remove(job)
        self.queue.failed_job_registry.add(job, FAILURE_TTL, "KeyError: it is a bug")

    def look(self, times: int = 2) -> list[Repair]:
        found = []
        for _ in range(times):
            self.seconds += LOOK_EVERY
            found += self.left.look()
        return found

    def info(self) -> str:
        """What `rq info` says of the queue."""
        command = [str(RQ), "info", "--raw", "--only-queues", "--url", self.url, self.queue.name]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return ran.stdout.strip().removeprefix(f"queue {self.queue.name} ")


@pytest.fixture
def rq(world: World, redis_url: str) -> Iterator[InRq]:
    with connect(redis_url, text=False) as client:
        wake_ups = WakeUps(client, f"queue-{uuid4().hex[:12]}", f"i{uuid4().hex[:12]}")
        yield InRq(world, wake_ups, redis_url)
        wake_ups.queue.delete(delete_jobs=True)


def wake(rq: InRq) -> str:
    """A push comes; the id of the wake-up in RQ."""
    pushes = len(rq.world.queue)
    rq.world.submit(push("0", f"c{pushes}", pushes), f"d{pushes}")
    return rq.enqueue()


def again(rq: InRq) -> None:
    """The watcher wakes the target again, and a worker reconciles it."""
    rq.world.store.ahead += LEFT_AFTER + 10_000
    rq.world.expire_lease()
    rq.world.tick()
    rq.world.reconcile()


def test_what_a_killed_worker_left_never_becomes_a_failure(rq: InRq) -> None:
    wake(rq)
    rq.take_and_die()
    assert rq.info() == "0, 1 executing, 0 finished, 0 failed"

    again(rq)
    (repair,) = rq.look()

    assert (repair.kind, repair.target) == (Kind.LEFT_TASK, TARGET)
    assert rq.info() == "0, 0 executing, 0 finished, 0 failed"


def test_nor_what_one_left_that_had_only_taken_it_out_of_the_queue(rq: InRq) -> None:
    task = wake(rq)
    rq.take_and_die(before_it_begins=True)
    assert rq.queue.intermediate_queue.get_job_ids() == [task]

    again(rq)
    assert rq.look(times=1) == []  # a worker may be about to begin it
    assert len(rq.look()) == 1

    assert rq.queue.intermediate_queue.get_job_ids() == []
    assert rq.queue.fetch_job(task) is None


def test_what_a_worker_may_still_work_on_stays(rq: InRq) -> None:
    wake(rq)
    rq.take_and_die()
    rq.world.reconcile()

    assert rq.look() == []

    assert rq.info() == "0, 1 executing, 0 finished, 0 failed"


def test_a_failure_stays_until_its_target_was_reconciled_to_the_end(rq: InRq) -> None:
    task = wake(rq)
    rq.fail(task)
    assert rq.look() == []
    assert rq.info() == "0, 0 executing, 0 finished, 1 failed"

    rq.world.reconcile()
    (repair,) = rq.look()

    assert repair.what == f"RQ kept {task}: cleared, it was reconciled since"
    assert rq.info() == "0, 0 executing, 0 finished, 0 failed"
    assert list(rq.queue.connection.scan_iter(match=f"rq:*{task}*")) == []


def test_of_a_target_that_fails_again_and_again_the_newest_failure_stays(rq: InRq) -> None:
    rq.world.submit(push("0", "a", 1), "1")
    first = rq.world.queue[-1].number
    newest = first + 3
    for number in range(first, newest + 1):
        wake_up = WakeUp(TARGET, number, "a test")
        rq.wake_ups.enqueue([wake_up])
        rq.fail(rq.wake_ups.ids.of(wake_up))

    assert rq.look() == []

    last = rq.wake_ups.ids.of(WakeUp(TARGET, newest, ""))
    assert rq.queue.failed_job_registry.get_job_ids() == [last]


def test_tasks_of_others_stay(rq: InRq) -> None:
    job = Job.create("somebody.else", id=f"else-{uuid4()}", connection=rq.queue.connection)
    job.save()
    rq.queue.failed_job_registry.add(job, FAILURE_TTL, "no wake-up")

    assert rq.look() == []

    assert rq.queue.failed_job_registry.get_job_ids() == [job.id]
    job.delete()


def test_what_is_left_of_a_target_that_is_forgotten_goes(rq: InRq) -> None:
    rq.wake_ups.enqueue([WakeUp("forgotten", 7, "a test")])
    rq.fail(rq.wake_ups.ids.of(WakeUp("forgotten", 7, "")))

    assert [repair.target for repair in rq.look()] == ["forgotten"]


def test_a_failure_that_is_requeued_is_an_ordinary_wake_up(rq: InRq) -> None:
    task = wake(rq)
    rq.fail(task)

    command = [str(RQ), "requeue", "--all", "--url", rq.url, "--queue", rq.queue.name]
    subprocess.run(command, capture_output=True, check=True, timeout=60)

    assert rq.queue.get_job_ids() == [task]
    assert rq.info() == "1, 0 executing, 0 finished, 0 failed"
    assert rq.look() == []


def test_between_two_looks_rq_is_left_alone(rq: InRq) -> None:
    rq.wake_ups.enqueue([WakeUp("forgotten", 7, "a test")])
    rq.fail(rq.wake_ups.ids.of(WakeUp("forgotten", 7, "")))

    rq.left.look()
    rq.seconds += LOOK_EVERY - 1
    rq.left.look()

    assert len(RqTasks(rq.wake_ups).left(0)) == 1
