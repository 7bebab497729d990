"""How many deploys may run at once: a target asks for a place before it starts one, and waits in line."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.ledger.store import Store

ALL = "*"


@dataclass(frozen=True)
class NoPlace:
    """All places are taken."""

    namespace: str
    """Whose places they are; "*" for those of the whole installation."""
    most: int
    ahead: int
    """How many targets wait longer."""

    def __str__(self) -> str:
        where = "" if self.namespace == ALL else f" in namespace {self.namespace}"
        line = f"; {self.ahead} before it in line" if self.ahead else ""
        noun = "deploy" if self.most == 1 else "deploys"
        return f"waits for a place: {self.most} {noun} may run at once{where}{line}"


class Places:
    """What runs is what counts, not a counter: the targets whose deploy has its turn."""

    def __init__(self, store: Store) -> None:
        keys = store.keys
        self._scripts, self._patience = store.scripts, store.retention.called
        self._all = (keys.running, keys.waiting, keys.waiters, keys.limits)

    def ask(self, target: str, namespace: str, since: int) -> NoPlace | None:
        """Takes a place for the target, or puts it in line by how long it has waited (ms)."""
        reply = self._scripts.run("place", self._all, (target, namespace, since, self._patience))
        return None if reply[0] else NoPlace(reply[1], reply[2], reply[3])

    def call(self) -> list[str]:
        """The targets that wait and may have a place now, each told once: to be woken."""
        return list(self._scripts.run("call", self._all, (self._patience,)))
