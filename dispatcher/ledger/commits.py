"""Reads what became of one commit at many targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dispatcher.domain.commit_history import CommitHistory
from dispatcher.domain.deploy import Deploy
from dispatcher.domain.outcome import Result
from dispatcher.ledger.codec import decode
from dispatcher.ledger.delivery_log import DeliveryLog, LoggedDelivery
from dispatcher.ledger.scripts import Call
from dispatcher.ledger.store import Store

DELIVERIES = 50
"""Deliveries of one commit that are looked at: the newest."""


class _Answer(NamedTuple):
    delivery: str
    result: Result | None


class Commits:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys
        self._log = DeliveryLog(store)

    def history(self, targets: Sequence[str], commit: str) -> list[CommitHistory]:
        """Of a commit, or of all that begin with these digits, at each target."""
        answers = self._answers(commit)
        deploys = self._deploys(targets, commit)
        named = self._named([answers.get(target) for target in targets])
        return [
            CommitHistory(
                target=target,
                deploys=found,
                answer=answers[target].result if target in answers else None,
                answered_in=answered_in,
                delivery=answers[target].delivery if target in answers else "",
            )
            for target, found, answered_in in zip(targets, deploys, named, strict=True)
        ]

    def _answers(self, commit: str) -> dict[str, _Answer]:
        """By target, of the newest delivery that had the commit for it."""
        found: dict[str, _Answer] = {}
        for logged in self._log.of_commit(commit, DELIVERIES):
            for target, result in _of(logged, commit):
                found.setdefault(target, _Answer(logged.delivery.id, result))
        return found

    def _deploys(self, targets: Sequence[str], commit: str) -> list[list[Deploy]]:
        """Newest first. Each script looks through one history, and holds Redis up for a moment only."""
        calls = [Call("find_commit", (self._keys.deploys(each),), (commit,)) for each in targets]
        replies = self._store.scripts.run_many(calls) if calls else []
        found = ([decode(raw, Deploy) for raw in reply] for reply in replies)
        return [sorted(deploys, key=lambda deploy: -deploy.number) for deploys in found]

    def _named(self, answers: Sequence[_Answer | None]) -> list[Deploy | None]:
        """The deploys that the answers name, in one round trip."""
        names = [each.result.deploy if each and each.result else "" for each in answers]
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            for name in names:
                target, _, number = name.rpartition("/")
                pipeline.hget(self._keys.deploys(target), number)
            found = pipeline.execute()
        return [decode(raw, Deploy) if raw else None for raw in found]


def _of(logged: LoggedDelivery, commit: str) -> list[tuple[str, Result | None]]:
    decided = zip(logged.delivery.decisions, logged.results, strict=True)
    return [(each.target, result) for each, result in decided if each.commit.startswith(commit)]
