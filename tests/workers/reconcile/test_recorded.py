"""Whoever measures deploys hears of each state once it is written, and of none before."""

from __future__ import annotations

import dataclasses

from dispatcher.domain.deploy import Deploy, State
from tests.model.world import TARGET, World
from tests.workers.reconcile.test_takeover import push, run


def test_each_written_state_is_told_with_the_one_before(world: World) -> None:
    heard: list[tuple[State | None, State]] = []

    def recorded(deploy: Deploy, was: State | None) -> None:
        heard.append((was, deploy.state))

    world.reconciler = dataclasses.replace(world.reconciler, recorded=recorded)
    world.submit(push("0", "a", 1), "1")
    world.reconcile()
    run(world, f"{TARGET}-1")
    world.observe_all()
    world.reconcile()

    assert heard == [(State.PENDING, State.STARTING), (State.STARTING, State.RUNNING)]
