"""The cluster comes back from a backup: what it has forgotten is gone, and what was gone is back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from tests.system.installation import Target, sha
from tests.system.outage import Outages
from tests.waiting import eventually


@contextmanager
def restored(outages: Outages) -> Iterator[None]:
    """The cluster as it is now is what it is again after the block; its versions go back with it."""
    state = outages.system.local.state / "cluster" / "objects"
    backup = outages.folder / "backup"
    outages.system.halt("cluster")
    shutil.copytree(state, backup)
    outages.system.restart("cluster")
    outages.settle()
    yield
    outages.begins()
    outages.system.halt("cluster")
    shutil.rmtree(state)
    shutil.move(backup, state)
    outages.system.restart("cluster")
    outages.settle()


def test_after_a_restore_what_vanished_is_noticed_and_deploys_go_on(outages: Outages) -> None:
    target = outages.system.target(
        "vanishes", "[ $DEPLOY_NUMBER = 3 ] || sleep 60", start_attempts=1
    )
    other = outages.system.target("untouched")

    with restored(outages):
        target.push("0", "a")
        target.until(1, "running")
        target.push("a", "b")
        target.until(2, "running")

    assert target.until(2, "lost")
    target.push("b", "c")
    other.push("0", "a")
    done = target.until(3, "succeeded")
    assert done.commit == sha("c")
    assert other.until(1, "succeeded")
    assert target.is_clean()
    assert other.is_clean()
    assert outages.restarts() == 0


def test_after_a_restore_a_job_that_is_back_is_to_be_cleared_away_again(outages: Outages) -> None:
    target = outages.system.target("returns", f'[ "$GIT_COMMIT" != {sha("bad")} ]')
    target.push("0", "bad")
    target.until(1, "failed")

    with restored(outages):
        target.push("bad", "good")
        target.until(2, "succeeded")
        assert target.is_clean()

    assert eventually(lambda: is_due(outages, target)), target.story("nobody will look at it")
    assert [deploy.state for deploy in target.deploys()] == ["succeeded", "failed"]
    target.push("good", "better")
    assert target.until(3, "succeeded")
    assert eventually(lambda: {job["metadata"]["name"] for job in target.jobs()} <= {"returns-1"})


def is_due(outages: Outages, target: Target) -> bool:
    """Its Job was told to go half a minute ago or less: it is told again when that has passed."""
    system = outages.system
    due = system.redis.zscore(system.keys.due, target.name)
    return due is not None and float(due) <= system.store.now() + 30_000
