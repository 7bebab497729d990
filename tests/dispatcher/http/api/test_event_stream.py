"""`/api/v1/events`: a stream of what happens, and pages of what happened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import redis

from dispatcher.http.api import events
from dispatcher.http.events import stream
from dispatcher.ledger import Events, Retention, Store
from dispatcher.ledger.retention import Happened
from tests.dispatcher.http.web import TOKEN, Web, error
from tests.dispatcher.ledger.helpers import push, submit
from tests.waiting import eventually


class Follower:
    """A client that reads a stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()
        self.last_id = ""

    def next(self) -> tuple[str, dict[str, Any]]:
        """Name and data of the next event."""
        name, data = "message", ""
        for line in self._lines:
            field, _, value = line.partition(": ")
            if field == "id":
                self.last_id = value
            elif field == "event":
                name = value
            elif field == "data":
                data = value
            elif not line and data:
                return name, json.loads(data)
            elif not line:
                name = "message"
        raise EOFError

    def deploys(self, count: int) -> list[str]:
        return [self.next()[1]["deploy"] for _ in range(count)]

    def begin(self) -> None:
        """Returns when the stream has said where it begins."""
        for line in self._lines:
            if line.startswith("id: "):
                self.last_id = line.removeprefix("id: ")
                return

    def ends(self) -> bool:
        try:
            while True:
                self.next()
        except (EOFError, httpx.RemoteProtocolError):
            return True


@contextmanager
def follow(web: Web, query: str = "", token: str = TOKEN, after: str = "") -> Iterator[Follower]:
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token}"}
    if after:
        headers["Last-Event-ID"] = after
    with web.http.stream("GET", f"/api/v1/events?{query}", headers=headers) as response:
        assert response.status_code == 200, response.read()
        yield Follower(response)


@pytest.fixture
def happened(web: Web, store: Store) -> list[str]:
    """Ids of three events: a deploy of shop and two of lab."""
    submit(store, push("0", "a"))
    submit(store, push("0", "a"), target="lab")
    submit(store, push("0", "a", ref="refs/heads/dev"), target="lab")
    return [each.id for each in Events(store).after("0-0", 10)]


# Streams


def test_what_happens_comes_as_it_happens(web: Web, store: Store) -> None:
    with follow(web) as follower:
        follower.begin()
        submit(store, push("0", "a"))

        name, told = follower.next()

    assert (name, told["deploy"], told["kind"]) == ("message", "shop/1", "created")
    assert told["id"] == follower.last_id == Events(store).newest()
    response = follower.response
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert response.headers["Cache-Control"] == "no-store"


def test_a_client_goes_on_where_it_was(web: Web, store: Store, happened: list[str]) -> None:
    with follow(web, after=happened[0]) as follower:
        assert follower.deploys(2) == ["lab/1", "lab/2"]
        submit(store, push("a", "b"))
        assert follower.deploys(1) == ["shop/1"]
    with follow(web, f"after={happened[1]}") as follower:
        assert follower.deploys(2) == ["lab/2", "shop/1"]


def test_a_long_absence_is_read_in_parts(
    web: Web, happened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PAGE", 1)

    with follow(web, after="0-0") as follower:
        assert follower.deploys(3) == ["shop/1", "lab/1", "lab/2"]


def test_what_the_ledger_no_longer_has_is_a_gap(web: Web, store: Store) -> None:
    submit(store, push("0", "a"))
    lost = Events(store).newest()
    store.client.xtrim(store.keys.events, maxlen=0)
    submit(store, push("a", "b"))

    with follow(web, after=lost) as follower:
        name, told = follower.next()
        assert (name, told) == ("gap", {"after": lost})
        assert follower.next()[1]["kind"] == "coalesced"


def test_an_id_of_a_ledger_that_was_lost_is_a_gap(web: Web, happened: list[str]) -> None:
    with follow(web, after="9999999999999-0") as follower:
        assert follower.next() == ("gap", {"after": happened[-1]})


def test_filters(web: Web, store: Store, happened: list[str]) -> None:
    web.api("targets/lab/pause", "POST", json={"by": "ann"})

    with follow(web, "target=lab&kind=created,paused", after=happened[0]) as follower:
        assert follower.deploys(2) == ["lab/1", "lab/2"]
        assert follower.next()[1]["kind"] == "paused"


def test_a_limited_token_sees_its_targets_and_what_concerns_all(
    web: Web, store: Store, happened: list[str]
) -> None:
    order = {"name": "ci", "targets": ["lab"]}
    token = web.api("tokens", "POST", json=order).json()["token"]

    with follow(web, token=token, after=happened[0]) as follower:
        assert follower.deploys(2) == ["lab/1", "lab/2"]
        submit(store, push("a", "b"))
        web.api("pause", "POST")
        _, told = follower.next()

    assert told["kind"] == "paused"
    assert "target" not in told


def test_a_stream_ends_when_its_token_is_revoked(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SIGN_OF_LIFE", 0.05)
    token = web.api("tokens", "POST", json={"name": "ci"}).json()["token"]

    with follow(web, token=token) as follower:
        follower.begin()
        web.api("tokens/ci/revoke", "POST")
        assert follower.ends()


def test_a_sign_of_life_moves_the_id_on(
    web: Web, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "SIGN_OF_LIFE", 0.05)
    with follow(web, "target=lab") as follower:
        follower.begin()
        submit(store, push("0", "a"))
        newest = Events(store).newest()

        def moved() -> bool:
            follower.begin()
            return follower.last_id == newest

        assert eventually(moved)


def test_streams_end_when_the_server_stops(tmp_path: Any, redis_url: str, keys: Any) -> None:
    web = Web(tmp_path, redis_url, keys)
    with web:
        other = httpx.Client(base_url=web.url, trust_env=False, timeout=30, verify=False)
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {TOKEN}"}
        with other.stream("GET", "/api/v1/events", headers=headers) as response:
            follower = Follower(response)
            follower.begin()
            web._server.should_exit = True
            assert follower.ends()
        other.close()
    web.clean_up()


@pytest.mark.parametrize("bound", ["DISPATCHER_SUBSCRIBERS", "DISPATCHER_SUBSCRIBERS_PER_TOKEN"])
def test_there_are_only_so_many_and_who_leaves_makes_room(
    tmp_path: Any, redis_url: str, keys: Any, bound: str
) -> None:
    web = Web(tmp_path, redis_url, keys)
    web.environ[bound] = "1"
    with web:
        with follow(web) as follower:
            follower.begin()
            refused = web.api("events", headers={"Accept": "text/event-stream"})
            assert error(refused) == (429, "too_many_subscribers")
            assert int(refused.headers["Retry-After"]) >= 1
            assert web.api("events").status_code == 200

        def admitted() -> bool:
            headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {TOKEN}"}
            with web.http.stream("GET", "/api/v1/events", headers=headers) as response:
                return response.status_code == 200

        assert eventually(admitted)
    web.clean_up()


def test_an_id_that_is_none_is_refused(web: Web) -> None:
    headers = {"Accept": "text/event-stream"}

    assert error(web.api("events?after=x", headers=headers)) == (400, "invalid_cursor")
    headers["Last-Event-ID"] = "x"
    assert error(web.api("events", headers=headers)) == (400, "invalid_cursor")


def test_a_parameter_of_the_other_kind_is_refused(web: Web) -> None:
    stream = web.api("events?cursor=1-0", headers={"Accept": "text/event-stream"})

    assert error(stream) == (400, "invalid_parameter")
    assert error(web.api("events?after=1-0")) == (400, "invalid_parameter")


# Pages


def test_pages_of_what_happened_come_newest_first(web: Web, happened: list[str]) -> None:
    first = web.api("events?limit=2").json()
    second = web.api(f"events?limit=2&cursor={first['next']}").json()

    assert [e["id"] for e in (*first["events"], *second["events"])] == happened[::-1]
    assert second["next"] == ""
    assert error(web.api("events?cursor=x")) == (400, "invalid_cursor")
    assert error(web.api("events?kind=party")) == (400, "invalid_parameter")


def test_a_page_is_bounded(web: Web, happened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_BYTES", 1)
    assert len(web.api("events").json()["events"]) == 1
    monkeypatch.setattr(events, "STEP", 1)
    monkeypatch.setattr(events, "STEPS", 1)

    page = web.api("events?target=shop").json()

    assert (page["events"], page["next"]) == ([], happened[-1])


def test_the_stream_of_events_is_bounded(client: redis.Redis, store: Store) -> None:
    store.retention = Retention(happened=Happened(events=10, lines=6))
    for number in range(300):
        submit(store, push(f"c{number}", f"c{number + 1}"))

    assert client.xlen(store.keys.events) < 300
