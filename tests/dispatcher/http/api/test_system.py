"""`/api/v1/system`: the installation as a whole, and the pushes that it never took."""

from __future__ import annotations

from pathlib import Path

import redis

from dispatcher import __version__
from dispatcher.domain.repairs import Kind, Repair
from dispatcher.ledger import Keys, Leadership, Repairs, Store, WatcherHealth
from tests.conftest import start_valkey
from tests.dispatcher.http.web import Web, error
from tests.dispatcher.webhooks.support import sent
from tests.waiting import eventually


def test_it_says_how_the_parts_are(web: Web, store: Store) -> None:
    told = web.api("system").json()

    assert told["health"]["ledger"] == "ok"
    assert told["health"]["cluster"] == "unavailable: no watcher leads"
    assert told["leader"] is None
    assert told["ledger"]["server"] in ("valkey", "redis")
    assert told["ledger"]["version"]
    assert told["ledger"]["used_memory"] > 0
    assert (told["paused"], told["watch_problems"], told["never_taken"]) == (None, [], [])


def test_each_process_says_which_configuration_it_has(web: Web) -> None:
    assert eventually(lambda: web.api("system").json()["configurations"])

    told = web.api("system").json()

    (mine,) = told["configurations"]
    assert (mine["kind"], mine["configuration"]["refused_at"]) == ("web", None)
    assert mine["configuration"]["digest"]
    assert told["versions"] == {__version__: 1}


def test_what_the_watcher_cannot_follow_and_what_was_repaired(web: Web, store: Store) -> None:
    WatcherHealth(store).report("deploys", "pods", "403: forbidden")
    Repairs(store).note([Repair(kind=Kind.EXPIRED_LEASE, target="shop", what="woken")])
    web.api("pause", "POST", json={"by": "ann"})

    told = web.api("system").json()

    (problem,) = told["watch_problems"]
    assert (problem["namespace"], problem["why"]) == ("deploys", "403: forbidden")
    assert problem["since"].endswith("Z")
    assert told["repairs"]["expired-lease"] == 1
    assert told["paused"]["by"] == "ann"


def never_taken(web: Web) -> dict[tuple[str, int], int]:
    found = web.api("system").json()["never_taken"]
    assert all(each["last_at"].endswith("Z") for each in found)
    return {(each["hook"], each["status"]): each["count"] for each in found}


def test_pushes_that_were_never_taken_are_counted_by_hook_and_status(
    tmp_path: Path, redis_url: str, keys: Keys
) -> None:
    web = Web(tmp_path, redis_url, keys)
    web.environ["DISPATCHER_FAILURES_PER_ADDRESS"] = "2"
    with web:
        wrong = sent("github/push__branch").but(headers={"X-Hub-Signature-256": "sha256=00"})
        statuses = [web.deliver(wrong, hook).status_code for hook in ("github", "no", "github")]

        assert statuses == [401, 401, 429]
        assert never_taken(web) == {("github", 401): 1, ("", 401): 1, ("github", 429): 1}
        assert web.deliver(sent("github/push__branch")).status_code == 202
        assert sum(never_taken(web).values()) == 3
    web.clean_up()


def test_what_is_refused_while_redis_is_away_is_counted_when_it_is_back(
    tmp_path: Path, keys: Keys
) -> None:
    (tmp_path / "valkey").mkdir()
    server = start_valkey(tmp_path / "valkey")
    with server as url, Web(tmp_path, url, keys) as web:
        server.__exit__()
        refused = web.deliver(sent("github/push__branch"))
        assert error(refused) == (503, "ledger_unavailable")
        server.__enter__()

        assert eventually(lambda: web.api("system").status_code == 200)
        assert never_taken(web) == {("github", 503): 1}


def test_a_leader_is_named_once_it_has_said_so(web: Web, store: Store, client: redis.Redis) -> None:
    assert Leadership(store, "token").acquire()

    assert web.api("system").json()["leader"] is None
