"""The changes of a deploy's state that there are. Pure."""

from __future__ import annotations

from dispatcher.domain.deploy import TERMINAL, Deploy, State
from dispatcher.domain.errors import IllegalTransition

TRANSITIONS: dict[State, frozenset[State]] = {
    # A deploy that never started can end: a newer commit, a cancel, a Job that cannot be made.
    State.PENDING: frozenset(
        {State.PENDING, State.STARTING, State.SUPERSEDED, State.CANCELLED, State.FAILED},
    ),
    # Back to pending: the API server said for sure that nothing was created.
    State.STARTING: frozenset(
        {State.PENDING, State.STARTING, State.RUNNING, State.STOPPING}
        | {State.SUCCEEDED, State.FAILED, State.LOST},
    ),
    # Back to pending here too: the cluster took its Job or its Pod away, and it runs again.
    State.RUNNING: frozenset(
        {State.PENDING, State.RUNNING, State.STOPPING}
        | {State.SUCCEEDED, State.FAILED, State.LOST},
    ),
    # A decision to stop stands: what comes out of it is never another start.
    State.STOPPING: frozenset(
        {State.STOPPING, State.SUPERSEDED, State.CANCELLED, State.SUCCEEDED, State.FAILED},
    ),
    # A deploy that ended stays ended; only facts are added to it (its Job was deleted).
    **{state: frozenset({state}) for state in TERMINAL},
}
"""The one table of legal changes; a state that stays is listed where fields change in place."""


FOUND = State.STARTING
"""The state in which a deploy is written whose Job the ledger did not know: it was emptied or rolled back."""


FIRST = frozenset({FOUND, State.PENDING})
"""States in which a worker writes a deploy that was not there: found, or waiting under another number, since
the Job that was found has its own."""


def check_transition(before: Deploy | None, after: Deploy) -> None:
    """Raises IllegalTransition for a change that the table does not have: that is a bug."""
    legal = TRANSITIONS[before.state] if before else FIRST
    if after.state not in legal:
        was = before.state if before else "nothing"
        raise IllegalTransition(f"{after.name} cannot go from {was} to {after.state}")
