"""`GET /api/v1/processes`: who is there, and what each does."""

from __future__ import annotations

from typing import Any

from rq.executions import Execution
from rq.job import Job

from dispatcher import __version__
from dispatcher.domain.process import GONE_AFTER, LATE_AFTER, ProcessKind, ProcessRecord
from dispatcher.ledger import Processes, Store
from tests.dispatcher.http.web import Web
from tests.waiting import eventually


def beat(store: Store, name: str, kind: str = "worker", ago: int = 0, **more: Any) -> None:
    process = ProcessRecord(
        name=name, kind=ProcessKind(kind), host=name, pid=1, version="0.0.1", **more
    )
    Processes(store).beat(process)
    store.client.zadd(store.keys.heartbeats, {name: store.now() - ago})


def listed(web: Web) -> dict[str, Any]:
    found: dict[str, Any] = web.api("processes").json()
    return found


def test_web_lists_itself_with_its_configuration(web: Web) -> None:
    assert eventually(lambda: listed(web)["processes"])

    (own,) = listed(web)["processes"]
    assert (own["kind"], own["liveness"], own["version"]) == ("web", "alive", __version__)
    assert len(own["configuration"]["digest"]) == 12
    assert own["configuration"]["refused_at"] is None
    assert own["started_at"] <= own["heartbeat_at"]


def test_those_alive_come_first_then_the_late_then_those_gone(web: Web, store: Store) -> None:
    beat(store, "gone", ago=GONE_AFTER + 1000)
    beat(store, "late", ago=LATE_AFTER + 1000)
    beat(store, "alive")

    found = [each for each in listed(web)["processes"] if each["kind"] == "worker"]

    assert [each["name"] for each in found] == ["alive", "late", "gone"]
    assert [each["liveness"] for each in found] == ["alive", "late", "gone"]
    assert listed(web)["workers"] == "degraded: 1 alive, 1 late"


def test_what_a_worker_works_on_is_what_rq_says(web: Web, store: Store) -> None:
    beat(store, "w1")
    beat(store, "w2")
    with web.queue() as queue, queue.connection.pipeline() as pipeline:
        ids = {"w1": f"{web.instance}_shop-wake-3", "w2.worker-1": f"{web.instance}_lab-wake-9"}
        for worker, id in {**ids, "else": "somebody-else-s"}.items():
            task = Job.create("f", id=id, connection=queue.connection, origin=queue.name)
            Execution.create(task, 60, pipeline, worker)
        pipeline.execute()

    found = {each["name"]: each["works_on"] for each in listed(web)["processes"]}

    assert found["w1"]["target"] == "shop"
    assert found["w2"]["target"] == "lab"
    assert found["w1"]["since"].endswith("Z")


def test_a_refused_configuration_is_seen_with_its_mistakes(web: Web) -> None:
    web.config.write_text("version: 1\nnonsense: true\n")

    def refused() -> bool:
        own = [each for each in listed(web)["processes"] if each["kind"] == "web"]
        return bool(own and own[0]["configuration"]["refused_at"])

    assert eventually(refused)
    (own,) = listed(web)["processes"]
    assert "nonsense" in own["configuration"]["mistakes"][0]
    assert web.readiness().json()["configuration"].startswith("refused: web")
    assert "nonsense" not in web.readiness().text
