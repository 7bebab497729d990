"""Concurrency slots (`max_running`): a target claims one before it starts a deploy, or waits in line for it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from dispatcher.ledger.codec import decode
from dispatcher.ledger.store import Store

ALL = "*"


@dataclass(frozen=True)
class NoFreeSlot:
    """All concurrency slots are taken."""

    namespace: str
    """The namespace whose slots they are; "*" for the whole installation's."""
    most: int
    ahead: int
    """How many targets have waited longer."""

    def __str__(self) -> str:
        where = "" if self.namespace == ALL else f" in namespace {self.namespace}"
        line = f"; {self.ahead} before it in line" if self.ahead else ""
        noun = "deploy" if self.most == 1 else "deploys"
        return f"waits for a concurrency slot: {self.most} {noun} may run at once{where}{line}"


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `claim_slot.lua`; its header documents each."""

    target: str
    namespace: str
    since: int
    patience: int


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The reply of `claim_slot.lua`; its header documents each field."""

    taken: bool
    namespace: str = ""
    most: int = 0
    ahead: int = 0


class Slots:
    """There is no counter that could drift: a target has a slot as long as it has an active deploy."""

    def __init__(self, store: Store) -> None:
        keys = store.keys
        self._scripts, self._patience = store.scripts, store.timeouts.slot_offer
        self._all = (keys.running, keys.waiting, keys.waiters, keys.max_running)

    def claim(self, target: str, namespace: str, since: int) -> NoFreeSlot | None:
        """Takes a slot for the target, or puts it in line, by the time when it began to wait (ms)."""
        arguments = Arguments(
            target=target, namespace=namespace, since=since, patience=self._patience
        )
        reply = decode(self._scripts.run("claim_slot", self._all, (arguments,)), Reply)
        return None if reply.taken else NoFreeSlot(reply.namespace, reply.most, reply.ahead)

    def offer(self) -> list[str]:
        """Offers the free slots to waiting targets, to each once; returns the targets to wake."""
        return list(self._scripts.run("offer_slots", self._all, (self._patience,)))
