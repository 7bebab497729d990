"""What goes wrong between a worker and the API server, one thing at a time, on the real parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from dispatcher.domain.deploy import State
from dispatcher.ledger import Listings, Timeouts
from tests.system.bench import TARGET, Bench, nobody_listens, unavailable
from tests.system.installation import Installation, sha
from tests.waiting import eventually


@pytest.fixture
def bench(system: Installation, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(system, tmp_path, f"t{uuid4().hex[:10]}", timeouts=Timeouts(lease=1_500))
    made.start()
    yield made
    for name, job in made.jobs().items():
        made.cluster.delete_job("default", name, job["metadata"]["uid"])
    made.stop()


def test_a_post_whose_answer_is_lost_is_adopted_and_not_repeated(bench: Bench) -> None:
    bench.cluster.after["create"] = unavailable
    bench.push("0", "a")

    bench.work()

    assert bench.until(lambda: bench.deploy(1).state is State.RUNNING)
    assert bench.live_jobs() == ["shop-1"]
    assert bench.deploy(1).attempt == 1


def test_a_post_that_was_never_sent_is_fenced_and_made_under_the_next_name(bench: Bench) -> None:
    bench.cluster.before["create"] = unavailable
    bench.push("0", "a")

    bench.work()
    assert bench.until(lambda: bench.deploy(1).state is State.RUNNING)

    assert bench.deploy(1).job == "shop-1-2"
    assert bench.live_jobs() == ["shop-1-2"]
    reservation = bench.jobs()["shop-1"]
    assert reservation["spec"]["suspend"] is True
    assert reservation["metadata"]["labels"]["git-dispatcher/name-reservation"] == "true"


def test_a_post_that_found_no_connection_leaves_nothing_to_resolve(bench: Bench) -> None:
    bench.cluster.before["create"] = nobody_listens
    bench.push("0", "a")

    bench.work()
    assert bench.deploy(1).state is State.PENDING
    assert bench.until(lambda: bench.deploy(1).state is State.RUNNING)

    assert list(bench.jobs()) == ["shop-1-2"]


def test_a_worker_that_was_paused_for_longer_than_its_lease_in_front_of_its_post(
    bench: Bench,
) -> None:
    bench.push("0", "a")

    def meanwhile() -> None:
        assert eventually(lambda: bench.acquire() is not None), "the lease does not run out"
        assert bench.until(lambda: bench.deploy(1).job == "shop-1-2" and bench.deploy(1).uid != "")

    bench.cluster.before["create"] = meanwhile
    bench.work()

    assert bench.until(lambda: bench.deploy(1).state is State.RUNNING)
    assert bench.live_jobs() == ["shop-1-2"]
    assert len(bench.running_pods()) == 1


def test_a_push_while_the_start_is_uncertain_ends_with_the_newer_commit_alone(bench: Bench) -> None:
    bench.cluster.before["create"] = unavailable
    bench.push("0", "a")
    bench.work()

    bench.push("a", "b")

    assert bench.until(lambda: bench.deploy(2).state is State.RUNNING)
    assert bench.deploy(1).state is State.SUPERSEDED
    assert bench.live_jobs() == ["shop-2"]
    assert bench.deploy(2).commit == sha("b")


def test_an_api_server_that_is_away_is_said_and_tried_again_later(bench: Bench) -> None:
    bench.cluster.before["create"] = unavailable
    bench.push("0", "a")

    bench.work()

    row = bench.store.client.hgetall(bench.keys.row(TARGET))
    assert "API server is away" in row["trouble"]
    assert bench.store.client.zscore(bench.keys.due, TARGET) is not None
    assert bench.until(lambda: bench.deploy(1).state is State.RUNNING)
    assert bench.store.client.hget(bench.keys.row(TARGET), "trouble") == ""


def test_a_stop_that_did_not_reach_the_api_server_stands(bench: Bench) -> None:
    bench.push("0", "a")
    assert bench.until(lambda: bench.deploy(1).state is State.RUNNING)
    bench.cluster.before["delete"] = unavailable

    bench.push("a", "b")
    bench.work()

    assert bench.deploy(1).state is State.STOPPING
    assert bench.until(lambda: bench.deploy(2).state is State.RUNNING)


def test_a_job_of_the_same_name_that_is_not_ours_is_left_alone(bench: Bench) -> None:
    foreign = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "shop-1", "namespace": "default"},
        "spec": {
            "suspend": True,
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [{"name": "c", "image": "i", "command": ["true"]}],
                }
            },
        },
    }
    made = bench.cluster.create_job(foreign)
    bench.push("0", "a")

    assert bench.until(lambda: bench.deploy(1).state is State.RUNNING)

    assert bench.deploy(1).job == "shop-1-2"
    assert bench.cluster.job("default", "shop-1").metadata.uid == made.metadata.uid
    assert bench.cluster.delete_job("default", "shop-1", made.metadata.uid)


def test_after_redis_was_emptied_what_runs_is_found_again_and_followed(bench: Bench) -> None:
    bench.push("0", "a")
    assert bench.until(lambda: bench.deploy(1).state is State.RUNNING)
    for key in bench.store.client.scan_iter(match=f"{bench.keys.prefix}*"):
        bench.store.client.delete(key)

    assert eventually(lambda: "default" in Listings(bench.store).listed())
    result = bench.push("a", "b")

    assert result.deploy == "shop/2"
    assert bench.until(lambda: bench.deploy(2).state is State.RUNNING)
    found = bench.deploy(1)
    assert (found.state, found.superseded_by) == (State.SUPERSEDED, 2)
    assert (found.commit, found.ref) == (sha("a"), "refs/heads/main")
    assert bench.live_jobs() == ["shop-2"]


def test_a_successful_deploy_costs_two_writes_and_no_read(
    system: Installation, tmp_path: Path
) -> None:
    bench = Bench(system, tmp_path, f"t{uuid4().hex[:10]}", script="true")
    bench.start()
    for number, (before, after) in enumerate((("0", "a"), ("a", "b")), 1):
        bench.cluster.calls.clear()  # before the very first, there may be Pods that nobody knows of
        bench.push(before, after)
        assert bench.until(lambda number=number: bench.deploy(number).state is State.SUCCEEDED)  # type: ignore[misc]
        assert eventually(lambda: not bench.jobs())
    bench.stop()

    jobs = "/apis/batch/v1/namespaces/default/jobs"
    assert bench.cluster.calls == [
        f"POST {jobs}",
        f"DELETE {jobs}/shop-2",
    ]
