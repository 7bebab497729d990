"""A deploy's log over HTTP: a test relays as the leading watcher would. A real one does in tests/system."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from msgspec.structs import replace

from dispatcher.domain.deploy import State
from dispatcher.domain.log import LogEnd, LogLine, LogName, LogPart, LogPosition, LogRequest
from dispatcher.ledger import Keys, Leadership, LogRequests, RelayedLogs, Retention, Store, connect
from dispatcher.ledger.retention import RelayBounds
from tests.dispatcher.http.helpers import take
from tests.dispatcher.http.web import Web, error
from tests.dispatcher.webhooks.support import sent
from tests.waiting import eventually

NAME = LogName(target="shop", number=1)
PATH = "targets/shop/deploys/1/log"
HERE = LogPosition(pod="shop-1-abc", container="deploy")


def lines(first: int, last: int) -> LogPart:
    """Lines that were written one a nanosecond."""
    found = tuple(LogLine(at, 0, f"line {at}") for at in range(first, last + 1))
    return LogPart(position=HERE, lines=found, current=True)


@pytest.fixture
def web(tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
    """For two readers at a time."""
    made = Web(tmp_path, redis_url, keys)
    made.environ["DISPATCHER_LOG_READERS"] = "2"
    with made as web:
        yield web
    web.clean_up()


@pytest.fixture
def running(web: Web, client: redis.Redis) -> Web:
    web.deliver(sent("github/push__branch"))
    take(web, client, State.STARTING, State.RUNNING, namespace="deploys", job="shop-1")
    return web


@pytest.fixture
def relayed(running: Web, client: redis.Redis) -> RelayedLogs:
    leadership = Leadership(Store(client, running.keys, Retention()), "the watcher that leads")
    assert leadership.acquire()
    return RelayedLogs(leadership.store)


@contextmanager
def relaying(
    web: Web, relayed: RelayedLogs, answer: Callable[[LogRequest], list[LogPart]]
) -> Iterator[list[LogRequest]]:
    """Answers the first request of each reader; all requests in their order."""
    heard: list[LogRequest] = []
    stopped = threading.Event()

    def run(requests: LogRequests) -> None:
        requests.begin()
        while not stopped.is_set():
            for request in requests.wait(100).requests:
                if request.reader not in {each.reader for each in heard} and not request.leaves:
                    relayed.append([(request.log, part) for part in answer(request)])
                heard.append(request)

    with connect(web.redis_url, timeout=10) as own:
        thread = threading.Thread(target=run, args=(LogRequests(Store(own, web.keys)),))
        thread.start()
        try:
            yield heard
        finally:
            stopped.set()
            thread.join()


def whole(request: LogRequest) -> list[LogPart]:
    greeting = LogPart(position=HERE, current=True, greets=request.reader)
    return [LogPart(position=HERE, containers=("clone", "deploy")), lines(1, 3), greeting]


def ask(web: Web, **query: Any) -> httpx.Response:
    return web.api(PATH, params=query)


def test_what_was_written_so_far_is_text(running: Web, relayed: RelayedLogs) -> None:
    with relaying(running, relayed, whole) as heard:
        answer = ask(running, timestamps="true")

        assert eventually(lambda: heard and heard[-1].leaves)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.text.splitlines()[0] == "1970-01-01T00:00:00.000000001Z line 1"
    assert len(answer.text.splitlines()) == 3


def test_events_are_resumed_behind_the_last_one(running: Web, relayed: RelayedLogs) -> None:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "2-0"}
    with relaying(running, relayed, whole):
        answer = running.api(PATH, headers=headers)

    assert answer.text == (
        'event: opened\ndata: {"pod":"shop-1-abc","container":"deploy","containers":["clone","deploy"]}\n\n'
        'id: 3-0\nevent: line\ndata: {"at":"1970-01-01T00:00:00.000000003Z","text":"line 3"}\n\n'
        'event: end\ndata: {"end":"current","why":"","log_url":""}\n\n'
    )


def test_who_comes_late_gets_what_was_dropped_from_a_relay_of_their_own(
    running: Web, relayed: RelayedLogs
) -> None:
    relayed.bounds = RelayBounds(entries=2, bytes=1_000_000)
    for number in range(1, 6):
        relayed.append([(NAME, lines(number, number))])

    with relaying(running, relayed, whole) as heard:
        answer = ask(running)

    assert answer.text == "line 1\nline 2\nline 3\n"
    assert heard[0].log == replace(NAME, copy=heard[0].reader)


def test_a_relayed_log_that_has_ended_is_there_although_its_pod_is_not(
    running: Web, relayed: RelayedLogs, client: redis.Redis
) -> None:
    relayed.append([(NAME, lines(1, 2)), (NAME, LogPart(position=HERE, end=LogEnd.COMPLETE))])
    end_it(running, client)

    assert ask(running, follow="true").text == "line 1\nline 2\n"


def end_it(web: Web, client: redis.Redis) -> None:
    take(web, client, State.SUCCEEDED, ended_after=1_000)


@pytest.mark.parametrize(
    ("part", "status", "code"),
    [
        (LogPart(end=LogEnd.NO_CONTAINER, why="there is no container"), 404, "unknown_container"),
        (LogPart(end=LogEnd.FORBIDDEN, why="pods/log"), 503, "log_unavailable"),
        (LogPart(end=LogEnd.BUSY, why="30 logs"), 503, "too_many_logs"),
        (LogPart(end=LogEnd.GONE), 410, "log_gone"),
    ],
)
def test_where_there_is_no_log_the_status_says_so_each_time(
    running: Web, relayed: RelayedLogs, part: LogPart, status: int, code: str
) -> None:
    """An earlier reader's end is not taken for this one's."""
    relayed.append([(NAME, LogPart(end=LogEnd.BUSY, why="an earlier one"))])

    with relaying(running, relayed, lambda _: [part]):
        assert error(ask(running, follow="true")) == (status, code)


def test_nothing_to_read_yet_is_a_404_for_who_does_not_follow(
    running: Web, relayed: RelayedLogs
) -> None:
    with relaying(running, relayed, lambda _: [LogPart(waits="its Pod", current=True)]):
        answer = ask(running)

    assert error(answer) == (404, "no_log")
    assert "it waits for its Pod" in answer.json()["detail"]


def test_without_a_watcher_it_says_so_at_once(running: Web) -> None:
    assert error(ask(running)) == (503, "log_unavailable")


def test_a_deploy_that_never_started_has_none(web: Web, client: redis.Redis) -> None:
    web.deliver(sent("github/push__branch"))
    web.api("targets/shop/deploys/1/cancel", "POST")

    assert error(ask(web)) == (404, "no_log")


def test_readers_are_limited_and_make_room(running: Web, relayed: RelayedLogs) -> None:
    asked = {"follow": "true"}
    headers = {"Authorization": running.api("targets").request.headers["authorization"]}
    with relaying(running, relayed, whole):
        streams = [
            running.http.stream("GET", f"/api/v1/{PATH}", params=asked, headers=headers)
            for _ in range(2)
        ]
        for stream in streams:
            stream.__enter__()
        assert error(ask(running)) == (503, "too_many_logs")
        for stream in streams:
            stream.__exit__(None, None, None)
        assert eventually(lambda: ask(running).status_code == 200)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"container": "a/b"}, "invalid_container"),
        ({"container": "A"}, "invalid_container"),
        ({"follow": "1"}, "invalid_flag"),
        ({"timestamps": ""}, "invalid_flag"),
    ],
)
def test_a_query_that_is_wrong(running: Web, query: dict[str, str], code: str) -> None:
    assert error(ask(running, **query)) == (400, code)
