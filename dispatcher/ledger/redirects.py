"""Submits pushes under the name that their target's row has: around a rename it may be the other name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dispatcher.ledger.scripts import Call
from dispatcher.ledger.store import Store
from dispatcher.ledger.submission import Submission

MOST_HOPS = 4
"""Most redirects of a push: one to the other name, one more if it is renamed meanwhile, and some to spare."""
REDIRECT = "redirect "


class Redirects:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def submit(
        self, submissions: Sequence[Submission], behind: Sequence[Call] = ()
    ) -> tuple[list[tuple[Submission, Any]], list[Any]]:
        """Returns each submission as the ledger took it, with its reply or its own LedgerUnavailable; and the
        replies to the calls `behind` them, which run in the same round trip."""
        taken, replies = self._run(submissions, behind)
        for _ in range(MOST_HOPS):
            moved = {at: name for at, (_, reply) in enumerate(taken) if (name := _elsewhere(reply))}
            if not moved:
                break
            again, _ = self._run([taken[at][0].under(name) for at, name in moved.items()], ())
            for at, pair in zip(moved, again, strict=True):
                taken[at] = pair
        return taken, replies

    def _run(
        self, submissions: Sequence[Submission], behind: Sequence[Call]
    ) -> tuple[list[tuple[Submission, Any]], list[Any]]:
        calls = [each.call(self._store) for each in submissions]
        replies = self._store.scripts.run_each([*calls, *behind])
        return list(zip(submissions, replies, strict=False)), replies[len(calls) :]


def _elsewhere(reply: Any) -> str:
    """The name that the target's row has; "" if the push was taken."""
    if isinstance(reply, str) and reply.startswith(REDIRECT):
        return reply.removeprefix(REDIRECT)
    return ""
