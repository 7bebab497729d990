"""One list and one watch for all namespaces: what runs anywhere is found, also where no target is any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from dispatcher.domain.deploy import State
from dispatcher.ledger import Listings, Observations, Timeouts
from dispatcher.local.kube import create_namespace
from tests.system.bench import Bench
from tests.system.installation import Installation
from tests.waiting import eventually


@pytest.fixture
def bench(system: Installation, tmp_path: Path) -> Iterator[Bench]:
    create_namespace(system.kube, "elsewhere")
    made = Bench(
        system,
        tmp_path,
        f"t{uuid4().hex[:10]}",
        timeouts=Timeouts(lease=1_500),
        settings={"cluster": {"watch": "all"}, "defaults": {"namespace": "elsewhere"}},
    )
    made.start()
    yield made
    made.stop()


def test_a_job_in_a_namespace_that_is_used_no_longer_is_found_after_redis_was_emptied(
    bench: Bench,
) -> None:
    bench.push("0", "a")
    bench.work()
    assert bench.until(lambda: bench.deploy(1).state is State.RUNNING)
    assert Listings(bench.store).listed() == {""}

    bench.configure({"cluster": {"watch": "all"}, "defaults": {"namespace": "default"}})
    bench.forget()

    assert eventually(
        lambda: [observed.namespace for _, observed in Observations(bench.store).known_jobs()]
    )
    bench.work()
    found = bench.deploy(1)
    assert (found.namespace, found.note[:20]) == ("elsewhere", "found in the cluster")
    assert bench.cluster.delete_job("elsewhere", found.job, found.uid)
