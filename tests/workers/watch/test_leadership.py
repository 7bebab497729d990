"""A watcher that has lost the lead writes nothing more: interrupted before each of its writes, while another
one begins to lead and publishes what is newer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
import redis
import yaml
from msgspec.structs import replace

from dispatcher.config import LONGEST_CALL
from dispatcher.config.reloading import Reloader
from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.errors import LeadershipLost
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.repairs import Kind
from dispatcher.domain.snapshot import Snapshot
from dispatcher.ledger import (
    Keys,
    Publisher,
    Repairs,
    Store,
    Targets,
    Timeouts,
    WakeUp,
    WatcherHealth,
    connect,
)
from dispatcher.ledger.scripts import AT_ONCE
from tests.dispatcher.ledger.helpers import Watched, push, submit
from tests.model import ledger_loss
from tests.model.fake_cluster import FakeCluster
from tests.model.world import LEADERSHIP
from workers.kube import labels
from workers.kube.objects import Condition, Job, JobStatus, Metadata, Pod, PodStatus
from workers.watch.leader import Leader
from workers.watch.reflector import ConnectionLost, ObjectChanged, ObjectsListed, ReflectorEvent
from workers.watch.watcher import Watcher

NAMESPACE = "default"
READS = {
    "GET",
    "HGET",
    "HGETALL",
    "HKEYS",
    "HVALS",
    "EXISTS",
    "SMEMBERS",
    "HMGET",
    "ZRANGE",
    "TIME",
}
READS |= {"INFO", "SCAN"}
LATER = 100.0
"""Seconds after which everything is due that is done now and then."""


@dataclass
class Queue:
    """Stands for RQ's."""

    wake_ups: list[WakeUp] = field(default_factory=list)

    def enqueue(self, wake_ups: list[WakeUp]) -> None:
        self.wake_ups += wake_ups


class ScriptedLeader(Leader):
    """The real one; its reflectors deliver what a test hands them."""

    def __init__(self, watcher: Watcher) -> None:
        super().__init__(watcher)
        self.watcher = watcher
        self.handlers: dict[str, Callable[[ReflectorEvent], None]] = {}
        self.now = 0.0
        self._sweeper.clock = lambda: self.now

    def _reflector(self, kind: str, namespace: str, put: Callable[[ReflectorEvent], None]) -> Any:
        self.handlers[kind] = put
        return cast(Any, NoReflector())

    def receive(self, *events: ReflectorEvent) -> None:
        for each in events:
            kind = each.kind if isinstance(each, ObjectsListed | ConnectionLost) else "job"
            self.handlers[kind](each)
            self.take_in()

    def second(self) -> None:
        self._every_second()


class NoReflector:
    def start(self) -> None: ...
    def stop(self) -> None: ...


def target(image: str, name: str = "shop", **more: Any) -> dict[str, Any]:
    job = {"image": image, "clone": False}
    return {name: {"repository": "https://h/a/b", "branches": ["main"], "job": job, **more}}


FIRST = {"targets": target("deployer:1") | target("x", "leaves") | target("x", "docs")}
OLDER = {
    "targets": target("deployer:2")
    | target("x", "joins")
    | target("x", "web", renamed_from="docs"),
    "cluster": {"max_running": 3, "removal_grace": "0s"},
}
NEWER = {"targets": target("deployer:3"), "cluster": {"max_running": 1}}


@dataclass
class Installation:
    """A ledger in which shop/1 was deployed by what is published first."""

    url: str
    folder: Path
    keys: Keys = field(default_factory=lambda: Keys(f"test-{uuid4().hex[:12]}"))

    def __post_init__(self) -> None:
        self.client = cast(Watched, Watched.from_url(self.url, decode_responses=True))
        self.store = Store(self.client, self.keys, timeouts=Timeouts(leadership=LEADERSHIP))
        self.cluster = FakeCluster(self.store.now, lambda manifest: None)
        self.cluster.pods["pod"] = orphan()

    def begin(self) -> None:
        leader = self.leader(FIRST)
        leader.begin()
        leader.receive(
            ObjectsListed(NAMESPACE, "job", (), "50"), ObjectsListed(NAMESPACE, "pod", (), "50")
        )
        leader.close()
        for name in ("shop", "docs"):
            submit(self.store, push("0", "a"), target=name)
        self._run("shop")

    def leader(self, configuration: dict[str, Any]) -> ScriptedLeader:
        """Another watcher leads from now on: the lead of the one before has run out."""
        file = self.folder / f"{uuid4().hex}.yaml"
        file.write_text(yaml.safe_dump({"version": 1, **configuration}))
        queue, cluster = cast(Any, Queue()), cast(Any, self.cluster)
        watcher = Watcher(self.store, queue, cluster, Reloader(file, {}), "i")
        self.client.delete(self.keys.leader)
        assert watcher.leadership.acquire()
        return ScriptedLeader(watcher)

    def _run(self, name: str) -> None:
        seen = Targets(self.store).acquire(name, "worker")
        assert isinstance(seen, Snapshot)
        (deploy,) = seen.deploys
        runs = replace(deploy, state=State.STARTING, attempt=1, namespace=NAMESPACE, job="shop-1")
        runs = replace(runs, uid="u", token="t")
        observed = ObservedJob(
            namespace=NAMESPACE, job="shop-1", uid="u", rv="60", number=1, token="t"
        )
        Targets(self.store).record(
            seen, "worker", deploys=[runs], new_jobs=[observed], release=True
        )

    def all_of_it(self) -> dict[bytes, bytes]:
        with connect(self.url, text=False) as raw:
            return {key: value for key, (_, value) in ledger_loss.back_up(raw, self.keys).items()}


def job(version: str, number: int = 1, *, ended: bool = False) -> Job:
    said = {labels.TARGET: "shop", labels.NUMBER: str(number)}
    metadata = Metadata(
        name=f"shop-{number}",
        namespace=NAMESPACE,
        uid="u" if number == 1 else f"u{number}",
        resource_version=version,
        labels=said,
        annotations={labels.TOKEN: "t"},
    )
    return Job(metadata, JobStatus((Condition("Complete", "True"),) if ended else ()))


def orphan() -> Pod:
    said = {labels.TARGET: "shop", labels.JOB_UID: "gone", labels.JOB_NAME: "shop-0"}
    metadata = Metadata(name="left", namespace=NAMESPACE, uid="pod", labels=said)
    return Pod(metadata, PodStatus("Running"))


def lead(installation: Installation, leader: ScriptedLeader) -> None:
    """All that a watcher can have to write."""
    leader.begin()
    leader.receive(
        ConnectionLost(NAMESPACE, "job", "cut off"), ConnectionLost(NAMESPACE, "pod", "cut off")
    )
    leader.receive(ObjectsListed(NAMESPACE, "pod", (orphan(),), "70"))
    leader.receive(
        ObjectsListed(NAMESPACE, "job", (job("70"),), "70"), ObjectChanged(job("71"), False)
    )
    leader.receive(
        ObjectsListed(NAMESPACE, "job", (job("65"),), "65")
    )  # the cluster has gone back in time
    leader.second()
    for _ in range(3):
        leader.now += LATER
        leader.second()
    leader.receive(ObjectsListed(NAMESPACE, "job", (job("90", ended=True),), "90"))
    leader.close()


@pytest.fixture
def installation(redis_url: str, tmp_path: Path) -> Iterator[Callable[[], Installation]]:
    made: list[Installation] = []

    def make() -> Installation:
        made.append(Installation(redis_url, tmp_path))
        made[-1].begin()
        return made[-1]

    yield make
    for each in made:
        with each.client:
            each.client.sends = lambda commands: None
            ledger_loss.empty(each.client, each.keys)


def writes(client: redis.Redis, commands: list[tuple[Any, ...]]) -> bool:
    """Whether these run scripts. The server runs none that it lacks, and is sent those again."""
    scripts = [command[1] for command in commands if str(command[0]).upper() == "EVALSHA"]
    return bool(scripts) and all(client.script_exists(*scripts))


def test_whatever_a_watcher_writes_is_fenced(installation: Callable[[], Installation]) -> None:
    running = installation()
    leader = running.leader(OLDER)
    sent: list[tuple[Any, ...]] = []
    running.client.sends = sent.extend

    lead(running, leader)

    found = {kind for kind, count in Repairs(running.store).counts().items() if count}
    assert found == {Kind.OLDER_CLUSTER, Kind.ORPHANED_POD, Kind.MISSED_END}
    names = {str(command[0]).upper() for command in sent}
    assert names - READS <= {"EVALSHA", "SCRIPT LOAD"}
    scripts = [command for command in sent if str(command[0]).upper() == "EVALSHA"]
    assert {command[3] for command in scripts} == {running.keys.leader}


def test_interrupted_before_any_write_it_changes_nothing_of_its_successor_s(
    installation: Callable[[], Installation],
) -> None:
    count = _writes_of(installation())
    assert count > 25, "this is to be all that a watcher can have to write"

    for number in range(count):
        running = installation()
        leader = running.leader(OLDER)
        after = _taken_over_before(running, number)

        with pytest.raises(LeadershipLost):
            lead(running, leader)
        leader.close()

        assert running.all_of_it() == after[0], f"interrupted before write {number} of {count}"
        shop = Publisher(running.store).published()["shop"]
        assert "deployer:3" in str(shop.manifest)
        assert running.client.hgetall(running.keys.max_running) == {"*": "1"}
        assert WatcherHealth(running.store).problems() == []


def _writes_of(running: Installation) -> int:
    leader = running.leader(OLDER)
    groups: list[bool] = []
    running.client.sends = lambda commands: groups.append(writes(running.client, commands))
    lead(running, leader)
    return sum(groups)


def _taken_over_before(running: Installation, number: int) -> list[dict[bytes, bytes]]:
    """Lets another watcher lead and publish before so many writes; returns all that there is after that."""
    seen, after = 0, []

    def before(commands: list[tuple[Any, ...]]) -> None:
        nonlocal seen
        if not writes(running.client, commands):
            return
        if seen == number:
            running.client.sends = lambda commands: None
            running.leader(NEWER).begin()
            after.append(running.all_of_it())
        seen += 1

    running.client.sends = before
    return after


def test_a_deploy_of_the_older_job_is_not_made_over_the_newer_one(
    installation: Callable[[], Installation],
) -> None:
    """Interrupted right before it deploys what it takes for new."""
    running = installation()
    leader = running.leader(OLDER)

    def before(commands: list[tuple[Any, ...]]) -> None:
        if any("spec-" in str(command) for command in commands):
            running.client.sends = lambda commands: None
            running.leader(NEWER).begin()

    running.client.sends = before
    with pytest.raises(LeadershipLost):
        leader.begin()

    deploys: list[Deploy] = [d for d in _deploys(running) if d.reason == "spec-change"]
    assert len(deploys) == 1
    digest = running.client.hget(running.keys.row("shop"), "digest")
    assert digest == Publisher(running.store).published()["shop"].digest


def _deploys(running: Installation) -> list[Deploy]:
    seen = Targets(running.store).acquire("shop", "a-reader")
    assert isinstance(seen, Snapshot)
    return list(seen.deploys)


def test_a_watcher_whose_lead_was_another_s_meanwhile_does_not_simply_go_on(
    installation: Callable[[], Installation],
) -> None:
    """The other has led, published and died: nobody leads, and yet what this one has read is old."""
    running = installation()
    leader = running.leader(OLDER)
    leader.begin()
    running.leader(NEWER).begin()
    running.client.delete(running.keys.leader)

    with pytest.raises(LeadershipLost):
        leader.second()
    with pytest.raises(LeadershipLost):
        leader.receive(ObjectsListed(NAMESPACE, "job", (), "99"))


def test_whatever_it_writes_renews_its_lead(installation: Callable[[], Installation]) -> None:
    """What takes longer than a lead lasts, and writes all the time, must not begin anew for ever."""
    other = installation()
    lead(other, other.leader(OLDER))  # Redis has all the scripts from now on: none is sent twice
    running = installation()
    leader = running.leader(OLDER)
    left: list[int] = []

    def before(commands: list[tuple[Any, ...]]) -> None:
        if writes(running.client, commands):
            left.append(int(running.client.pttl(running.keys.leader)))
            running.client.pexpire(running.keys.leader, LEADERSHIP // 3)

    running.client.sends = _quietly(running, before)
    lead(running, leader)

    assert min(left[1:]) > LEADERSHIP // 2


def test_many_writes_are_many_round_trips(installation: Callable[[], Installation]) -> None:
    running = installation()
    leader = running.leader(FIRST)
    leader.begin()
    sizes: list[int] = []
    running.client.sends = lambda commands: sizes.append(len(commands))
    jobs = tuple(job("70", number) for number in range(2, 2 * AT_ONCE + 3))

    leader.receive(
        ObjectsListed(NAMESPACE, "pod", (), "70"), ObjectsListed(NAMESPACE, "job", jobs, "70")
    )
    leader.close()

    assert max(sizes) == AT_ONCE
    assert sum(sizes) > len(jobs)


def test_slow_answers_do_not_cost_it_the_lead(installation: Callable[[], Installation]) -> None:
    """It asks about a Pod's Job, and then deletes the Pod: each takes as long as it is waited for."""
    running = installation()
    key, takes = running.keys.leader, LONGEST_CALL * 1000 * LEADERSHIP // Timeouts().leadership

    def slowly() -> None:
        left = int(running.client.pttl(key)) - takes
        assert left > 0, "its lead has run out"
        running.client.pexpire(key, left)

    leader = running.leader(OLDER)
    leader.watcher.cluster = cast(Any, Slow(running.cluster, slowly))
    leader = ScriptedLeader(leader.watcher)

    lead(running, leader)

    assert Repairs(running.store).counts()[Kind.ORPHANED_POD] > 0


class Slow:
    """Each answer takes a while."""

    def __init__(self, cluster: FakeCluster, slowly: Callable[[], None]) -> None:
        self._cluster, self._slowly = cluster, slowly

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any) -> Any:
            self._slowly()
            return getattr(self._cluster, name)(*args)

        return call


def _quietly(
    running: Installation, before: Callable[[list[tuple[Any, ...]]], None]
) -> Callable[[list[tuple[Any, ...]]], None]:
    """What is sent on the way is not told of."""

    def tell(commands: list[tuple[Any, ...]]) -> None:
        running.client.sends = lambda commands: None
        before(commands)
        running.client.sends = tell

    return tell
