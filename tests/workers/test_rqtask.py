"""A worker with a queue into which somebody puts whatever RQ could be made to run: it runs wake-ups alone."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from rq import Callback, Queue, Webhook
from rq.job import Job
from rq.serializers import JSONSerializer

from dispatcher.ledger import WakeUp, WakeUps, connect
from dispatcher.ledger.wakeups import TASK
from tests.waiting import eventually

CLUSTER = """
{"apiVersion": "v1", "kind": "Config", "current-context": "none",
 "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:9"}}],
 "users": [{"name": "none", "user": {}}],
 "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}]}
"""
TRACE = """
from pathlib import Path
marker = Path(__file__).with_suffix(".marker")
marker.touch()  # when it is imported

def touch(*_, **__):
    marker.touch()
"""


@dataclass
class Worker:
    """`python -m workers worker`, with a module beside it that leaves a trace when it is imported."""

    folder: Path
    client: redis.Redis
    queue: Queue

    @property
    def trace(self) -> Path:
        return self.folder / "trace.marker"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def put(self, *args: Any, function: str = TASK, **more: Any) -> str:
        """A task as a client of RQ's makes it; its name."""
        return str(self.queue.enqueue(function, args=args, **more).id)

    def put_by_hand(self, data: bytes, **fields: str | bytes) -> str:
        """A task as somebody makes it who writes to Redis."""
        name = uuid4().hex
        whole: dict[Any, Any] = {
            "data": data,
            "origin": self.queue.name,
            "status": "queued",
            **fields,
        }
        self.client.hset(Job.key_for(name), mapping=whole)
        self.client.sadd("rq:queues", self.queue.key)
        self.client.rpush(self.queue.key, name)
        return name

    def has_failed(self, task: str) -> bool:
        return task in self.queue.failed_job_registry.get_job_ids(cleanup=False)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("worker")
    (folder / "kubeconfig").write_text(CLUSTER)
    (folder / "trace.py").write_text(TRACE)
    name = f"queue-{uuid4().hex[:12]}"
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join((str(folder), str(Path(__file__).parents[2]))),
        "REDIS_URL": redis_url,
        "KUBECONFIG": str(folder / "kubeconfig"),
        "DISPATCHER_QUEUE": name,
        "DISPATCHER_INSTANCE": name,
    }
    command = [sys.executable, "-m", "workers", "worker"]
    with ExitStack() as stack:
        log = stack.enter_context((folder / "log").open("w"))
        client = stack.enter_context(connect(redis_url, text=False))
        queue = Queue(name, connection=client, serializer=JSONSerializer)
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
        stack.callback(process.wait)
        stack.callback(process.kill)
        stack.callback(queue.delete, delete_jobs=True)
        worker = Worker(folder, client, queue)
        assert eventually(lambda: "listening" in worker.log), worker.log
        yield worker


def wake_up(function: str = TASK, instance: object = None, args: object = ("no-such",)) -> bytes:
    return json.dumps([function, instance, args, {}]).encode()


EVIL: dict[str, Callable[[Worker], str]] = {
    "a function": lambda w: w.put("x", function="trace.touch"),
    "a function of Python's": lambda w: w.put("touch trace.marker", function="os.system"),
    "a class": lambda w: w.put("trace.marker", function="pathlib.Path"),
    "another of ours": lambda w: w.put("x", function="workers.tasks._reconciler"),
    "a method of an instance": lambda w: w.put_by_hand(wake_up("format", instance="x")),
    "an instance of a wake-up": lambda w: w.put_by_hand(wake_up(instance="trace")),
    "a callback on success": lambda w: w.put("no-such", on_success=Callback("trace.touch")),
    "a callback on failure": lambda w: w.put("no-such", on_failure=Callback("trace.touch")),
    "a callback on a stop": lambda w: w.put("no-such", on_stopped=Callback("trace.touch")),
    "a callback by hand": lambda w: w.put_by_hand(wake_up(), success_callback_name="trace.touch"),
    "retries": lambda w: w.put_by_hand(wake_up(), retries_left="1000000"),
    "repeats": lambda w: w.put_by_hand(wake_up(), repeats_left="9", repeat_intervals="[0]"),
    "meta data": lambda w: w.put_by_hand(wake_up(), meta=b'{"a": 1}'),
    "a field that is not known": lambda w: w.put_by_hand(
        wake_up(), of_a_later_version="trace.touch"
    ),
    "a pickle": lambda w: w.put_by_hand(pickle.dumps(("trace.touch", None, (), {}))),
    "no data": lambda w: w.put_by_hand(b"null"),
    "no argument": lambda w: w.put_by_hand(wake_up(args=[])),
    "another argument": lambda w: w.put_by_hand(wake_up(args=[{"a": 1}])),
    "a time-out that is no number": lambda w: w.put_by_hand(wake_up(), timeout="soon"),
    "a time that is none": lambda w: w.put_by_hand(wake_up(), enqueued_at="trace.touch"),
}


@pytest.mark.parametrize("put", EVIL.values(), ids=EVIL)
def test_what_is_no_wake_up_fails_unrun(worker: Worker, put: Callable[[Worker], str]) -> None:
    worker.trace.unlink(missing_ok=True)

    task = put(worker)

    assert eventually(lambda: worker.has_failed(task)), worker.log
    assert not worker.trace.exists()
    line = next(line for line in worker.log.splitlines() if task in line)
    assert "task refused" in line
    assert "listening" not in worker.log.partition(task)[2]  # the worker did not have to begin anew


def test_no_web_hook_of_a_task_is_called(worker: Worker) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.timeout = 0
        url = f"http://127.0.0.1:{server.server_port}/"
        hooks = [Webhook(url, "failed", timeout=1), Webhook(url, "finished", timeout=1)]

        task = worker.put("no-such", webhooks=hooks)
        after = worker.put("x", function="trace.touch")  # taken up when the first is done with

        assert eventually(lambda: worker.has_failed(after))
        server.handle_request()
    assert worker.has_failed(task)
    assert asked == []


def test_wake_ups_are_run(worker: Worker) -> None:
    wake_ups = WakeUps(worker.client, worker.queue.name)
    wanted = WakeUp(f"target-{uuid4().hex[:8]}", 1, "a push")

    wake_ups.enqueue([wanted])

    assert eventually(lambda: not worker.queue.get_job_ids())
    task = wake_ups.ids.of(wanted)
    assert eventually(lambda: worker.queue.fetch_job(task) is None)
    assert not worker.has_failed(task)


def test_what_rq_itself_writes_beside_a_wake_up_is_no_reason_to_refuse_it(worker: Worker) -> None:
    """As `rq requeue` leaves it in Redis."""
    own = {"enqueue_at_front": "0", "exc_info": "a traceback", "failure_callback_name": ""}

    task = worker.put_by_hand(wake_up(), timeout="60", result_ttl="0", **own)

    assert eventually(lambda: worker.queue.fetch_job(task) is None)
    assert not worker.has_failed(task)
