"""What the leading watcher serves of the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest
import redis
from msgspec.structs import replace

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import State
from dispatcher.domain.process import ProcessKind, ProcessRecord
from dispatcher.domain.repairs import Kind, Repair
from dispatcher.domain.snapshot import Snapshot
from dispatcher.ledger import (
    Gauges,
    Keys,
    Leadership,
    Operations,
    Processes,
    Publisher,
    Repairs,
    Slots,
    Store,
    Targets,
    WakeUp,
    WakeUps,
    connect,
)
from dispatcher.metrics.leader import LeaderMetrics
from dispatcher.metrics.registry import Registry
from tests.dispatcher.ledger.helpers import Watched, push, submit
from tests.dispatcher.metrics.scrapes import Scrape

TOKEN = "the watcher"
SHOP = {"target": "shop", "namespace": "deploys"}


class Leading:
    """A watcher that leads, of two targets."""

    def __init__(self, store: Store, url: str) -> None:
        self.store, self.leads = store, True
        self.targets = {"shop": "deploys", "docs": "deploys"}
        self.most_targets = 10
        self.now = datetime.now(UTC)
        self.wake_ups = WakeUps(connect(url, text=False), f"queue-{store.keys.prefix}")
        assert Leadership(store, TOKEN).acquire()

    def scrape(self, token: str = TOKEN) -> Scrape:
        registry = Registry("watcher")
        LeaderMetrics(
            Gauges(self.store),
            self.wake_ups,
            Processes(self.store),
            token,
            lambda: self.leads,
            lambda: self.targets,
            self.most_targets,
            now=lambda: self.now,
        ).add_to(registry)
        return Scrape.of(registry)

    def take(self, *states: State, trouble: str = "", **facts: Any) -> None:
        """Takes the oldest open deploy of `shop` through these states."""
        for state in states:
            seen = Targets(self.store).acquire("shop", "worker")
            assert isinstance(seen, Snapshot)
            deploy = next(d for d in seen.deploys if not d.terminal)
            now = replace(deploy, state=state, **facts)
            Targets(self.store).record(
                seen,
                "worker",
                deploys=[now],
                due_at=seen.now + 60_000,
                trouble=trouble,
                release=True,
            )


@pytest.fixture
def leading(store: Store, redis_url: str) -> Any:
    leading = Leading(store, redis_url)
    yield leading
    leading.wake_ups.queue.delete(delete_jobs=True)
    leading.wake_ups.queue.connection.close()


def test_what_waits_and_what_runs(leading: Leading) -> None:
    submit(leading.store, push("0", "a"))
    submit(leading.store, push("0", "b", ref="refs/heads/other"))
    before = leading.scrape()
    leading.take(
        State.STARTING, attempt=1, starting_at=1, cause=CauseKind.IMAGE, trouble="no image"
    )

    found = leading.scrape()

    assert before.value("deploys_pending", **SHOP) == 2
    assert not before.has("deploys_active")
    assert found.value("deploys_pending", **SHOP) == 1
    assert found.value("deploys_pending", target="docs", namespace="deploys") == 0
    assert found.value("deploy_pending_oldest_age_seconds", **SHOP) is not None
    labels = SHOP | {"state": "starting", "cause": "image"}
    assert found.value("deploys_active", **labels) == 1
    assert found.value("target_trouble", **labels) == 1
    assert found.value("targets", namespace="deploys") == 2


def test_what_happened_is_counted_in_the_ledger_and_not_in_a_process(leading: Leading) -> None:
    submit(leading.store, push("0", "a"))
    submit(leading.store, push("a", "b"))
    leading.take(State.STARTING, State.RUNNING, attempt=1, started_at=2)
    leading.take(State.FAILED, cause=CauseKind.SCRIPT, ended_at=5_000)

    for found in (leading.scrape(), leading.scrape()):
        assert found.value("deploy_states_total", **SHOP, state="failed", cause="script") == 1
        assert found.value("deploy_states_total", **SHOP, state="running", cause="") == 1
        assert found.value("deploy_events_total", **SHOP, event="coalesced") == 1


def test_how_the_newest_deploy_ended_that_ran_to_an_end(leading: Leading) -> None:
    submit(leading.store, push("0", "a"))
    leading.take(State.STARTING, attempt=1)
    leading.take(State.SUCCEEDED, ended_at=5_000)
    submit(leading.store, push("a", "b"))
    leading.take(State.STARTING, attempt=1)
    leading.take(State.FAILED, cause=CauseKind.SCRIPT, ended_at=7_000)
    submit(leading.store, push("b", "c"))
    leading.take(State.CANCELLED, ended_at=9_000)

    found = leading.scrape()

    assert found.value("target_last_outcome", **SHOP, state="failed", cause="script") == 1
    assert not found.value("target_last_outcome", **SHOP, state="succeeded", cause="")
    assert found.value("target_last_outcome_timestamp_seconds", **SHOP) == 7
    assert found.value("target_last_success_timestamp_seconds", **SHOP) == 5


def test_pauses_repairs_and_slots(leading: Leading) -> None:
    store = leading.store
    Operations(store).pause("shop", "ann", "a migration")
    Repairs(store).note([Repair(kind=Kind.MISSED_END, target="shop", what="x")] * 2)
    Publisher(Leadership(store, TOKEN).store).limit({"*": 1})
    Slots(store).claim("shop", "deploys", 1)
    Slots(store).claim("docs", "deploys", 1_000)

    found = leading.scrape()

    assert found.value("target_paused_timestamp_seconds", **SHOP)
    assert found.value("repairs_total", kind="missed-end") == 2
    assert found.value("slots_limit", namespace="*") == 1
    assert found.value("slots_used", namespace="*") == 1
    assert found.value("slots_used", namespace="deploys") == 1
    assert found.value("slots_waiting", namespace="*") == 1
    assert found.value("slot_oldest_wait_seconds", namespace="*")


def test_wake_ups_that_nobody_takes(leading: Leading) -> None:
    leading.wake_ups.enqueue([WakeUp("shop", 1, "a test"), WakeUp("docs", 1, "a test")])
    leading.now = datetime.fromtimestamp(leading.now.timestamp() + 3_600, UTC)

    found = leading.scrape()

    assert found.value("wake_ups_waiting") == 2
    assert (found.value("wake_up_oldest_age_seconds") or 0) > 3_000


def test_processes_by_their_heartbeats(leading: Leading) -> None:
    worker = ProcessRecord(
        name="w-1", kind=ProcessKind.WORKER, host="a", pid=1, version="0.1.0", up_for=1
    )
    Processes(leading.store).beat(worker)
    before = leading.scrape()
    Processes(leading.store).beat(replace(worker, ended=True))

    assert before.value("processes", process="worker", liveness="alive") == 1
    assert before.value("processes", process="web", liveness="alive") == 0
    assert leading.scrape().value("processes", process="worker", liveness="alive") == 0


@pytest.mark.parametrize(
    "outcome", ["nonsense", "1 exploded - 5", "1 failed gremlins 5", "1 failed - now"]
)
def test_a_target_that_cannot_be_read_hides_no_other(leading: Leading, outcome: str) -> None:
    store = leading.store
    store.client.hset(store.keys.row("shop"), "outcome", outcome)
    submit(store, push("0", "a"), target="docs")

    found = leading.scrape()

    assert found.value("deploys_pending", target="docs", namespace="deploys") == 1
    assert found.value("deploys_pending", **SHOP) is None


def test_memory_of_redis(leading: Leading) -> None:
    found = leading.scrape()

    assert found.value("redis_memory_used_bytes")
    assert found.value("redis_memory_max_bytes") == 0


def test_one_that_does_not_lead_serves_none(leading: Leading) -> None:
    by_another = leading.scrape(token="another watcher")
    leading.leads = False
    stands_by = leading.scrape()

    assert not by_another.has("targets")
    assert not stands_by.has("targets")


def test_beyond_the_limit_targets_are_added_up_by_namespace(leading: Leading) -> None:
    leading.most_targets = 1
    submit(leading.store, push("0", "a"))
    submit(leading.store, push("0", "a"), target="docs")

    found = leading.scrape()

    together = {"target": "", "namespace": "deploys"}
    assert found.value("deploys_pending", **together) == 2
    assert found.value("deploy_events_total", **together, event="created") == 2
    assert found.value("deploys_pending", **SHOP) is None


def test_a_target_that_is_no_longer_configured_has_no_series(leading: Leading) -> None:
    submit(leading.store, push("0", "a"))
    del leading.targets["shop"]

    found = leading.scrape()

    assert not [labels for _, labels in found.samples if ("target", "shop") in labels]


def test_round_trips_do_not_depend_on_the_number_of_targets(
    watched: Watched, keys: Keys, store: Store
) -> None:
    assert Leadership(store, TOKEN).acquire()
    sent: list[int] = []
    watched.sends = lambda commands: sent.append(len(commands))
    for many in (1, 300):
        for number in range(many):
            submit(store, push("0", "a"), target=f"t-{number}")
        Gauges(Store(cast(redis.Redis, watched), keys)).read([f"t-{n}" for n in range(many)], TOKEN)

    assert len(sent) == 2 * 4
