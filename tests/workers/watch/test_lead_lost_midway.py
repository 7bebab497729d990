"""A watcher loses the lead between two of its writes: its successor takes nothing half done for done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from dispatcher.domain.deploy import State
from dispatcher.ledger.scripts import Call, Scripts
from tests.model.world import World
from tests.workers.reconcile.test_takeover import start, states, take_over


class Overtaken(Scripts):
    """Those of a watcher that loses the lead after so many of its writes."""

    writes = 0
    leader = ""

    def run_each(self, calls: Sequence[Call]) -> list[Any]:
        if self.writes == 0:
            self._client.delete(self.leader)
        self.writes -= 1
        return super().run_each(calls)


def overtake(world: World, after: int) -> None:
    store = world.leader._leadership.store
    scripts = Overtaken(store.client, store.scripts._token)
    scripts.writes, scripts.leader = after, store.keys.leader
    store.scripts = scripts


@pytest.mark.parametrize("writes", range(6))
def test_a_cluster_that_went_back_is_known_to_whoever_leads_next(world: World, writes: int) -> None:
    pod = start(world)
    backup = world.cluster.back_up()
    for _ in range(20):  # somebody labels the Job, say
        world.cluster.touch("shop-1")
    world.observe_all()
    take_over(world)

    overtake(world, writes)
    world.restore_cluster(backup)
    world.observe_all()
    world.cluster.end_pod(pod, 0)
    world.cluster.end_job("shop-1")
    while world.observe_all():
        pass
    take_over(world)

    assert states(world) == [State.SUCCEEDED]
