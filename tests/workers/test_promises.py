"""Whatever dies, is late, comes twice or out of order: nothing is lost, nothing overlaps, the newest wins."""

from __future__ import annotations

import os

import redis
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.workers.rules.cluster import Cluster
from tests.workers.rules.losses import Losses
from tests.workers.rules.people import People
from tests.workers.rules.processes import Processes

EXAMPLES = int(os.environ.get("PROMISES_EXAMPLES", "100"))
"""Set it to thousands for a night's search."""


class Promises(Processes, People, Cluster, Losses):
    """All that can happen."""


def test_the_promises_hold(client: redis.Redis) -> None:
    Promises.client = client
    run_state_machine_as_test(
        Promises,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=45,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
