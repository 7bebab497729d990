"""Targets that leave the configuration while something of them waits or runs."""

from __future__ import annotations

from tests.system.installation import Installation, Target
from tests.waiting import eventually


def remove(system: Installation, target: Target) -> None:
    (system.config / f"{target.name}.yaml").unlink()


def is_retired(system: Installation, target: Target) -> bool:
    return not system.redis.hexists(system.keys.specs, target.name)


def test_what_runs_finishes_what_waits_is_cancelled_and_the_history_expires(
    system: Installation,
) -> None:
    target = system.target("leaves", "sleep 2", on_new_push="wait")
    target.push("0", "a")
    target.until(1, "running")
    target.push("a", "b")

    remove(system, target)

    assert target.until(2, "cancelled").why == "its target was removed from the configuration"
    target.until(1, "succeeded")
    assert target.is_clean()
    assert eventually(lambda: is_retired(system, target))
    assert 0 < system.redis.ttl(system.keys.row("leaves")) <= 30 * 86400
    assert len(target.deploys()) == 2


def test_what_runs_is_stopped_where_the_target_says_so_and_it_may_come_back(
    system: Installation,
) -> None:
    target = system.target("stops", "sleep 60", on_removed="stop")
    target.push("0", "a")
    target.until(1, "running")

    remove(system, target)

    over = target.until(1, "cancelled")
    assert over.why == "its target was removed from the configuration"
    assert target.is_clean()
    assert eventually(lambda: is_retired(system, target))

    again = system.target("stops", "true")
    again.push("a", "b")

    again.until(2, "succeeded")
    assert system.redis.ttl(system.keys.row("stops")) == -1
    assert system.redis.ttl(system.keys.deploys("stops")) == -1
