"""Holding a target, or everything, and letting it go on; stopping and releasing single deploys."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from dispatcher.domain.snapshot import Paused
from dispatcher.ledger.connection import texts, translated
from dispatcher.ledger.ledger import Ledger
from dispatcher.ledger.snapshot import decode
from dispatcher.ledger.wakeups import WakeUp


class Told(StrEnum):
    """What came of telling a deploy to stop, or of releasing it."""

    CANCELLED = "cancelled"  # it waited, and is over
    STOPPING = "stopping"  # it has its turn, and a worker stops it
    RELEASED = "released"  # what is left of it no longer holds the target up
    OVER = "over"  # it has ended before
    RUNNING = "running"  # only what was told to stop can be released
    UNKNOWN = "unknown"  # there is no such deploy


@dataclass(frozen=True)
class Answer:
    told: Told
    wake_ups: tuple[WakeUp, ...]


class _Reply(msgspec.Struct, frozen=True):
    outcome: Told
    wake: int


class Operations:
    """What an operator can do to a target besides a redeploy. Raises LedgerUnavailable."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._keys, self._client = ledger, ledger.keys, ledger.client

    def cancel(self, target: str, number: int, by: str, reason: str) -> Answer:
        return self._tell(target, number, "cancel", by, reason)

    def release(self, target: str, number: int, by: str, reason: str) -> Answer:
        """Knowingly: its Pods may still run, for all that the cluster can tell."""
        return self._tell(target, number, "release", by, reason)

    def _tell(self, target: str, number: int, verb: str, by: str, reason: str) -> Answer:
        keys = self._keys
        raw = self._ledger.scripts.run(
            "cancel",
            (keys.row(target), keys.deploys(target), keys.due, keys.open(target)),
            (target, number, verb, by or "somebody", reason, self._ledger.limits.grace),
        )
        reply = decode(raw, _Reply)
        wake = (WakeUp(target, reply.wake, f"{verb} deploy {number}"),) if reply.wake else ()
        return Answer(reply.outcome, wake)

    def pause(self, target: str | None, by: str, reason: str) -> None:
        """Nothing of the target, or of any with None, starts until it is resumed; what runs goes on."""
        value = msgspec.json.encode(Paused(by, reason, self._ledger.now())).decode()
        with translated(self._client):
            if target is None:
                self._client.set(self._keys.paused, value)
            else:
                self._client.hset(self._keys.row(target), "paused", value)

    def resume(self, target: str | None) -> list[WakeUp]:
        """Lets go on what was held; returns the wake-ups to enqueue."""
        with translated(self._client):
            if target is not None:
                self._client.hdel(self._keys.row(target), "paused")
                return self._ledger.wake([target], "it was resumed")
            self._client.delete(self._keys.paused)
            names = texts(self._client.hkeys(self._keys.specs))
        return self._ledger.wake(self._ledger.with_open_deploys(names), "everything was resumed")

    def paused(self, target: str | None) -> Paused | None:
        """Who holds it and why, None if nobody does."""
        with translated(self._client):
            if target is None:
                raw = self._client.get(self._keys.paused)
            else:
                raw = self._client.hget(self._keys.row(target), "paused")
        return decode(texts([raw])[0], Paused) if raw else None
