"""Redeploying a target; pausing and resuming it, or everything; cancelling and releasing single deploys."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from dispatcher.domain.event import Event, EventKind
from dispatcher.domain.outcome import StopResult
from dispatcher.domain.pause import Paused
from dispatcher.ledger.codec import decode, encode
from dispatcher.ledger.events import entry
from dispatcher.ledger.redeployment import Redeploy, RedeployResult
from dispatcher.ledger.retention import Happened
from dispatcher.ledger.schedule import Schedule
from dispatcher.ledger.store import Command, Store
from dispatcher.ledger.wakeups import WakeUp


@dataclass(frozen=True)
class Stopped:
    result: StopResult
    wake_ups: tuple[WakeUp, ...]


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `cancel.lua`; the script's header documents each."""

    target: str
    number: int
    verb: str
    by: str
    why: str
    keep: Happened
    grace: int


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The reply of `cancel.lua`; the script's header documents each field."""

    outcome: StopResult
    wake: int


class Operations:
    """What an operator can do to a target. Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys
        self._schedule = Schedule(store)

    def redeploy(self, asked: Redeploy) -> RedeployResult:
        """Records a redeploy. The same request gets the same answer."""
        return asked.answer(self._store.scripts.run(*asked.call(self._store)))

    def cancel(self, target: str, number: int, by: str, reason: str) -> Stopped:
        return self._stop(target, number, "cancel", by, reason)

    def release(self, target: str, number: int, by: str, reason: str) -> Stopped:
        """Ends a stop although the cluster can't tell whether the deploy's Pods still run: the operator
        knows."""
        return self._stop(target, number, "release", by, reason)

    def _stop(self, target: str, number: int, verb: str, by: str, reason: str) -> Stopped:
        keys = self._keys
        arguments = Arguments(
            target=target,
            number=number,
            verb=verb,
            by=by or "somebody",
            why=reason,
            keep=self._store.retention.happened,
            grace=self._store.timeouts.wake_up,
        )
        own = (
            keys.row(target),
            keys.deploys(target),
            keys.due,
            keys.open(target),
            *keys.noted(target),
        )
        raw = self._store.scripts.run("cancel", own, (arguments,))
        reply = decode(raw, Reply)
        wake = (WakeUp(target, reply.wake, f"{verb} deploy {number}"),) if reply.wake else ()
        return Stopped(reply.outcome, wake)

    def pause(self, target: str | None, by: str, reason: str) -> None:
        """Pauses the target, or all with None: nothing starts until it is resumed, and what runs goes on."""
        now = self._store.now()
        value = encode(Paused(by, reason, now))
        set_it: Command = (
            ("SET", self._keys.paused, value)
            if target is None
            else ("HSET", self._keys.row(target), "paused", value)
        )
        event = Event(kind=EventKind.PAUSED, at=now, by=by, why=reason)
        self._store.write(set_it, entry(self._store, target or "", event))

    def resume(self, target: str | None, by: str = "") -> list[WakeUp]:
        """Ends the pause of the target, or that of all with None; returns the wake-ups to enqueue."""
        keys = self._keys
        event = Event(kind=EventKind.RESUMED, at=self._store.now(), by=by)
        noted = entry(self._store, target or "", event)
        if target is not None:
            self._store.write(("HDEL", keys.row(target), "paused"), noted)
            return self._schedule.wake([target], "it was resumed")
        self._store.write(("DEL", keys.paused), noted)
        return self._schedule.wake_open("everything was resumed")
