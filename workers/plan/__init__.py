"""What to do next about a target: pure, no I/O, no clock, no chance.

`plan` looks at what the ledger holds and names one step. The reconciler carries it out, puts the result
into what it has read, and asks again, until the step is to wait.
"""

from __future__ import annotations

from dispatcher.domain.snapshot import Snapshot
from workers.plan.active import active
from workers.plan.leftovers import leftovers, orphaned, unknown
from workers.plan.removed import removed
from workers.plan.steps import Step, Wait
from workers.plan.times import due
from workers.plan.turns import next_in_turn, overtaken, trouble


def plan(seen: Snapshot, token: str, live_pods: int | None = None) -> Step:
    """The next step for a target.

    `token` is a random id for a Job that may be created now; `live_pods` is how many Pods of the target a
    read found that began after its Job was gone, None where there was no such read yet.
    """
    return (
        orphaned(seen)
        or unknown(seen)
        or active(seen, live_pods)
        or leftovers(seen)
        or removed(seen)
        or overtaken(seen)
        or next_in_turn(seen, token, live_pods)
        or Wait(due(seen, live_pods), trouble(seen, live_pods))
    )
