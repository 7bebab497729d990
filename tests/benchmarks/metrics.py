"""What metrics add to a push, to a deploy, and what a scrape takes: `python -m tests.benchmarks.metrics`.

Times are this process' own processor time, the best of five rounds: what else the machine does counts little.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.outcome import Outcome, Result
from dispatcher.ledger import Gauges, Keys, Leadership, Processes, Store, WakeUps, connect
from dispatcher.metrics.cluster import ClusterMetrics
from dispatcher.metrics.deploys import PhaseMetrics
from dispatcher.metrics.leader import LeaderMetrics
from dispatcher.metrics.ledger import LedgerMetrics
from dispatcher.metrics.registry import Registry
from dispatcher.metrics.web import WebMetrics
from tests.conftest import start_valkey

TIMES = 20_000
RESULT = Result(target="shop", ref="refs/heads/main", commit="c", outcome=Outcome.ACCEPTED)
DEPLOY = Deploy(
    target="shop",
    number=1,
    state=State.STARTING,
    stream="s",
    ref="refs/heads/main",
    commit="c",
    attempt=1,
    starting_at=2_000,
    namespace="deploys",
)
COUNTED = ("created", "coalesced", "cleaned", "starting", "running", "succeeded", "failed script")


def microseconds(work: Callable[[], object], times: int = TIMES) -> float:
    """Of one call, in the best of five rounds."""
    rounds = []
    for _ in range(5):
        begun = time.process_time()
        for _ in range(times // 5):
            work()
        rounds.append((time.process_time() - begun) / (times // 5) * 1e6)
    return min(rounds)


def push() -> float:
    web = WebMetrics(Registry("web"))

    def delivered() -> None:
        web.delivered("github", "push", "deployed", 0.01)
        web.pushed("github", (RESULT,))
        web.recorded("deploys", 1.5)

    return microseconds(delivered)


def deploy() -> float:
    registry = Registry("worker")
    phases, cluster = PhaseMetrics(registry), ClusterMetrics(registry)
    running = replace(DEPLOY, state=State.RUNNING, started_at=3_000)
    over = replace(running, state=State.SUCCEEDED, ended_at=9_000)

    def deployed() -> None:
        phases.recorded(DEPLOY, State.PENDING)
        phases.recorded(running, State.STARTING)
        phases.recorded(over, State.RUNNING)
        cluster.requested("create", "jobs", "201", 0.02)
        cluster.requested("delete", "jobs", "200", 0.02)

    return microseconds(deployed)


def round_trip(url: str) -> float:
    observe = LedgerMetrics(Registry("web")).round_trip
    with connect(url) as plain, connect(url, observe=observe) as observed:
        pairs = [(microseconds(plain.time), microseconds(observed.time)) for _ in range(3)]
    return min(b for _, b in pairs) - min(a for a, _ in pairs)


def outcome_field(url: str) -> float:
    """What the script that ends a deploy does more: a look at the row's `outcome`, and two fields written."""
    script = """for _ = 1, 1000 do
      redis.call('HGET', KEYS[1], 'outcome')
      redis.call('HSET', KEYS[1], 'outcome', '42 succeeded - 1795633501130')
      redis.call('HSET', KEYS[1], 'succeeded_at', '1795633501130')
    end"""
    with connect(url) as client:
        rounds = []
        for _ in range(20):
            begun = time.perf_counter()
            client.eval(script, 1, "row")
            rounds.append((time.perf_counter() - begun) * 1000)
        return min(rounds)


def scrape(url: str, targets: int, open_: int, *, each: bool) -> tuple[float, int]:
    """Milliseconds of the best of five, and bytes."""
    with connect(url) as client, connect(url, text=False) as plain:
        store = Store(client, Keys(uuid4().hex))
        names = {f"target-{n}": f"namespace-{n % 20}" for n in range(targets)}
        fill(store, list(names), open_)
        Leadership(store, "w").acquire()
        registry, wake_ups = Registry("watcher"), WakeUps(plain, "benchmark")
        LeaderMetrics(
            Gauges(store),
            wake_ups,
            Processes(store),
            "w",
            lambda: True,
            lambda: names,
            targets if each else 0,
            now=lambda: datetime.now(UTC),
        ).add_to(registry)

        def scraped() -> int:
            Leadership(store, "w").acquire()
            text, _ = registry.scraped("")
            assert b"deploys_pending" in text
            return len(text)

        return microseconds(scraped, 5) / 1000, scraped()


def fill(store: Store, names: list[str], open_: int) -> None:
    keys, pipeline = store.keys, store.client.pipeline(transaction=False)
    waiting = replace(DEPLOY, state=State.PENDING, cause=CauseKind.QUOTA)
    for at, name in enumerate(names):
        pipeline.hset(keys.row(name), "outcome", "7 failed script 1795633501130")
        pipeline.hset(keys.row(name), "succeeded_at", "1795633501130")
        pipeline.hset(keys.counts, mapping={f"{name} {what}": 12 for what in COUNTED})
        if at < open_:
            pipeline.hset(keys.open(name), "s", "8 9")
            pipeline.zadd(keys.due, {name: 1})
            text = msgspec.json.encode(replace(waiting, target=name, number=8)).decode()
            for number in ("8", "9"):
                pipeline.hset(keys.deploys(name), number, text)
    pipeline.execute()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, start_valkey(Path(folder)) as url:
        print(f"a push, counted in web             {push():8.1f} µs")
        print(f"a round trip to Redis, observed    {round_trip(url):8.1f} µs")
        print(f"a deploy, counted in the worker    {deploy():8.1f} µs")
        print(f"its outcome, kept in the row       {outcome_field(url):8.1f} µs of Redis")
        for targets, open_ in ((50, 5), (500, 50), (5_000, 200)):
            for each in (True, False):
                took, size = scrape(url, targets, open_, each=each)
                how = "series for each" if each else "added up"
                print(
                    f"a scrape, {targets:5} targets, {how:15} {took:8.1f} ms, {size / 1024:7.0f} KiB"
                )
