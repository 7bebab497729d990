"""A worker as RQ's own tools show it: its name, how soon a dead one vanishes, and that one comes back."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from dispatcher.ledger import LONGEST_TASK, WakeUp, WakeUps, connect
from dispatcher.runtime import identity
from workers.listener import FORGOTTEN_AFTER, Listener

RQ = Path(sys.executable).with_name("rq")


@pytest.fixture
def queue(redis_url: str) -> Iterator[Queue]:
    with connect(redis_url, text=False, timeout=60) as client:
        queue = Queue(f"queue-{uuid4().hex[:12]}", connection=client, serializer=JSONSerializer)
        yield queue
        queue.delete(delete_jobs=True)


def begun(listener: Listener) -> SimpleWorker:
    made = listener.rq_worker()
    made.register_birth()  # type: ignore[no-untyped-call]
    made.heartbeat()
    return made


def end(worker: SimpleWorker) -> None:
    worker.register_death()  # type: ignore[no-untyped-call]


def listed(queue: Queue, url: str) -> str:
    """What `rq info` says of the queue's workers."""
    command = [str(RQ), "info", "--raw", "--only-workers", "--url", url, queue.name]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return ran.stdout


def test_a_worker_is_named_after_its_host_and_process(queue: Queue, redis_url: str) -> None:
    listener = Listener(queue.connection, queue.name)
    first, second = begun(listener), listener.rq_worker()

    assert first.name.startswith(f"{socket.gethostname()}-{os.getpid()}-")
    assert first.name == identity.name()
    assert second.name == f"{identity.name()}.worker-1"  # after Redis was away
    assert f"worker {first.name} (" in listed(queue, redis_url)
    end(first)


def test_one_that_is_killed_or_hangs_is_listed_for_half_a_minute_only(
    queue: Queue, redis_url: str
) -> None:
    dead = begun(Listener(queue.connection, queue.name))
    assert 0 < queue.connection.ttl(dead.key) <= FORGOTTEN_AFTER

    queue.connection.delete(dead.key)  # as Redis does then

    assert dead.name not in listed(queue, redis_url)


def test_one_that_works_on_a_task_is_listed_for_as_long_as_a_task_may_take(queue: Queue) -> None:
    busy = begun(Listener(queue.connection, queue.name))
    WakeUps(queue.connection, queue.name).enqueue([WakeUp("nobody", 1, "a test")])
    taken = busy.dequeue_job_and_maintain_ttl(1)
    assert taken is not None

    busy.prepare_execution(taken[0])
    busy.prepare_job_execution(taken[0])

    assert LONGEST_TASK < queue.connection.ttl(busy.key) <= LONGEST_TASK + FORGOTTEN_AFTER
    end(busy)


def test_one_that_hung_and_goes_on_is_listed_again_with_all_that_it_is(
    queue: Queue, redis_url: str
) -> None:
    clock = iter((0.0, 500.0)).__next__
    hung = begun(Listener(queue.connection, queue.name, clock=clock))
    queue.connection.delete(hung.key)
    assert hung.name not in listed(queue, redis_url)

    hung.set_state("idle")
    hung.heartbeat()

    assert f"worker {hung.name} ({socket.gethostname()} " in listed(queue, redis_url)
    assert 0 < queue.connection.ttl(hung.key) <= FORGOTTEN_AFTER
    end(hung)
