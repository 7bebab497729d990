"""Moves the history of renamed targets to their new names. The leading watcher does so before it publishes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from dispatcher.domain.spec import Spec
from dispatcher.ledger import RenameResult, Renaming, Store, WakeUp
from workers.watch import names
from workers.watch.cache import Observation
from workers.watch.names import Named

log = structlog.get_logger()


class Renames:
    """The renames of one leader. Raises LedgerUnavailable and LeadershipLost."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._renaming = Renaming(store)
        self._former: dict[str, str] = {}
        self._wanted: dict[str, str] = {}
        self._refused: set[tuple[str, str]] = set()
        self.is_due = False
        """A worker held a target, or a push came under a former name: `carry_over` is to be called again."""

    def carry_over(
        self, targets: Mapping[str, Named], specs: Sequence[Spec]
    ) -> tuple[list[Spec], list[WakeUp]]:
        """Carries out the renames; returns the specs to publish, with their former names, and the wake-ups to
        enqueue then. If `is_due` is set, nothing is to be published yet."""
        known, now = self._renaming.names(), self._store.now()
        self._wanted = names.wanted(targets, known, now, self._store.retention.renamed)
        self._renaming.forget(names.taken(targets, known, self._wanted))
        self._former = names.present(targets, known)
        self.is_due = False
        by_name = {spec.target: spec for spec in specs}
        left = set(self._renaming.left_behind(list(self._wanted.values())))
        wake_ups = [
            wake_up
            for new, old in self._wanted.items()
            if old in left or self._former.get(old) != new
            for wake_up in self._rename(old, names.with_former(by_name[new], self._former, old))
        ]
        self._former = names.present(targets, self._renaming.names())
        return [names.with_former(spec, self._former) for spec in specs], wake_ups

    def look(self) -> None:
        """Sets `is_due` if a push came under a former name, from a process with an older configuration."""
        refused = {old for old, _ in self._refused}
        asked = [old for old in self._wanted.values() if old not in refused]
        self.is_due = self.is_due or bool(asked and self._renaming.left_behind(asked))

    def by_present_name(self, observations: Sequence[Observation]) -> list[Observation]:
        """The observations by the current names of their targets."""
        return names.by_present_name(observations, self._former)

    def _rename(self, old: str, spec: Spec) -> list[WakeUp]:
        done, pair = self._renaming.rename(old, spec), (old, spec.target)
        match done.result:
            case RenameResult.RENAMED:
                log.info("target renamed", target=spec.target, renamed_from=old)
                self._refused.discard(pair)
            case RenameResult.USED:
                self._refuse(pair)
            case RenameResult.HELD:
                self.is_due = True
        return [done.wake_up] if done.wake_up else []

    def _refuse(self, pair: tuple[str, str]) -> None:
        if pair not in self._refused:
            why = "it has deploys of its own, or the history is another target's: nothing is moved"
            log.error("target not renamed", target=pair[1], renamed_from=pair[0], why=why)
        self._refused.add(pair)
