"""Decides what a worker does next for a target. Pure: no I/O, no clock, no random numbers.

`plan` reads a snapshot and returns one step. The reconciler carries the step out, puts the result into the
snapshot, and calls `plan` again, until the step is to wait.
"""

from __future__ import annotations

from dispatcher.domain.snapshot import Snapshot
from workers.plan.active_deploy import advance_active
from workers.plan.cleanup import clean_up
from workers.plan.next_deploy import start_next, supersede_waiting, trouble
from workers.plan.orphaned_jobs import delete_orphaned
from workers.plan.removed_target import cancel_removed
from workers.plan.steps import Step, Wait
from workers.plan.times import next_due
from workers.plan.unknown_jobs import adopt_unknown


def plan(seen: Snapshot, token: str, live_pods: int | None = None) -> Step:
    """The next step for a target.

    `token` is a random id for a Job that this step may create. `live_pods` is how many live Pods of the target
    a read found that began after its Job was gone; None if there was no such read yet.
    """
    return (
        delete_orphaned(seen)
        or adopt_unknown(seen)
        or advance_active(seen, live_pods)
        or clean_up(seen)
        or cancel_removed(seen)
        or supersede_waiting(seen)
        or start_next(seen, token, live_pods)
        or Wait(next_due(seen, live_pods), trouble(seen, live_pods))
    )
