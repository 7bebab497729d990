"""Loss of data: the ledger emptied or back in time, the cluster restored, a history expired."""

from __future__ import annotations

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.fake_cluster import Backup
from tests.model.ledger_loss import LedgerBackup
from tests.model.rules.base import TARGETS, Rules
from workers.watch.reflectors import KINDS


class Losses(Rules):
    ledger_backup: LedgerBackup | None = None
    cluster_backup: Backup | None = None

    @precondition(lambda self: self.deliveries and self.budget["lose"])
    @rule()
    def back_up_ledger(self) -> None:
        self.ledger_backup = self.world.back_up_ledger()

    @precondition(lambda self: self.deliveries and self.budget["lose"])
    @rule(emptied=st.booleans(), seen=st.sampled_from(["", "job", "both"]))
    def lose_ledger(self, emptied: bool, seen: str) -> None:
        """Before or after the watcher has taken in what it had, or half of it."""
        if not emptied and self.ledger_backup is None:
            return
        self.budget["lose"] -= 1
        for kind in KINDS[: ["", "job", "both"].index(seen)]:
            self.world.observe(kind, 20)
        note(f"the ledger is {'emptied' if emptied else 'rolled back'}")
        self.world.lose_ledger(None if emptied else self.ledger_backup)

    @precondition(lambda self: self.deliveries and self.budget["restore"])
    @rule()
    def back_up_cluster(self) -> None:
        self.cluster_backup = self.world.cluster.back_up()

    @precondition(lambda self: self.cluster_backup and self.budget["restore"])
    @rule()
    def restore_cluster(self) -> None:
        self.budget["restore"] -= 1
        assert self.cluster_backup is not None
        self.world.restore_cluster(self.cluster_backup)

    @precondition(lambda self: any(spec.removed_at for spec in self.world.specs.values()))
    @rule(name=st.sampled_from(TARGETS))
    def history_expires(self, name: str) -> None:
        """Long after a target was removed."""
        client, keys = self.world.store.client, self.world.store.keys
        if client.pttl(keys.row(name)) > 0:
            client.delete(keys.row(name), keys.deploys(name))
            self.world.expectations[name].ledger_emptied()
