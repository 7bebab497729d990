"""A redeploy of one target: the script's arguments, and its reply in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import uuid4

import msgspec

from dispatcher.domain.deploy import Reason
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.refs import short_ref, stream_of
from dispatcher.ledger.keys import Keys
from dispatcher.ledger.retention import Happened
from dispatcher.ledger.scripts import Call
from dispatcher.ledger.store import Store
from dispatcher.ledger.wakeups import WakeUp


class NoRedeploy(StrEnum):
    """Why there is nothing to run."""

    NEVER_DEPLOYED = "never-deployed"  # the target has no deploy whose commit or ref could be taken
    UNKNOWN_DEPLOY = "unknown-deploy"  # the history has no deploy of that number, or not any more
    UNKNOWN_REF = (
        "unknown-ref"  # no push to that ref is remembered, so its newest commit isn't either
    )
    CHANGED_SINCE = (
        "changed-since"  # the Job has another digest by now: another watcher deployed the change
    )


@dataclass(frozen=True, kw_only=True)
class Redeploy:
    """A request. Without commit, ref and number it repeats the target's newest deploy.

    With both commit and ref it says where that branch or tag is: the ledger forgets what pushes have said of
    it.
    """

    target: str
    request: str = field(default_factory=lambda: str(uuid4()))
    """The caller's id for the request: the same id gets the same answer."""
    by: str = ""
    note: str = ""
    commit: str = ""
    """Full object name; "" for the deploy's commit, or for the newest known commit of the ref."""
    ref: str = ""
    """Full name; "" for the deploy's ref."""
    number: int = 0
    """The deploy to run again; 0 for the newest."""
    was: str = ""
    """If a changed Job is the reason: its digest before the change and, below, after it."""
    digest: str = ""

    @property
    def reason(self) -> Reason:
        return Reason.SPEC_CHANGE if self.digest else Reason.REDEPLOY

    def call(self, store: Store) -> Call:
        keys, target, stream = store.keys, self.target, stream_of(self.ref)
        return Call(
            "redeploy",
            (
                keys.row(target),
                keys.deploys(target),
                keys.due,
                keys.request(target, self.request),
                keys.paused,
                keys.open(target),
                *keys.noted(target),
                *self._chain(keys, stream),
            ),
            (self._arguments(store),),
        )

    def _arguments(self, store: Store) -> Arguments:
        return Arguments(
            target=self.target,
            by=self.by,
            note=self.note,
            reason=self.reason,
            was=self.was,
            digest=self.digest,
            number=self.number,
            commit=self.commit,
            ref=self.ref,
            stream=stream_of(self.ref),
            keep=store.retention.happened,
            grace=store.timeouts.wake_up,
            remember=store.retention.remember,
            edges=store.retention.edges,
        )

    def _chain(self, keys: Keys, stream: str) -> tuple[str, ...]:
        if not self.ref:
            return ()
        target = self.target
        return keys.chain(target, stream), keys.ages(target, stream), keys.times(target)

    def answer(self, raw: str) -> RedeployResult:
        reply = msgspec.json.decode(raw, type=Reply)
        if not reply.outcome:
            return RedeployResult(why_not=NoRedeploy(reply.code))
        return RedeployResult(
            outcome=Outcome(reply.outcome),
            number=reply.deploy,
            commit=reply.commit,
            ref=reply.ref,
            reason=self._in_words(reply),
            wake_up=self._wake_up(reply) if reply.wake else None,
        )

    def _in_words(self, reply: Reply) -> str:
        what = f"commit {reply.commit[:8]} of {short_ref(reply.ref)}"
        said = REASONS[reply.code].format(what=what, other=f"{self.target}/{reply.other}")
        if reply.put:
            said = f"{said}; {short_ref(reply.ref)} is taken to be at that commit from now on"
        return f"{said}; {HELD}" if reply.outcome == Outcome.HELD else said

    def _wake_up(self, reply: Reply) -> WakeUp:
        return WakeUp(self.target, reply.wake, f"{self.reason}, deploy {reply.deploy}")


@dataclass(frozen=True, kw_only=True)
class RedeployResult:
    """The result: an outcome with its deploy, or why there is none."""

    outcome: Outcome | None = None
    number: int = 0
    commit: str = ""
    ref: str = ""
    reason: str = ""
    wake_up: WakeUp | None = None
    why_not: NoRedeploy | None = None


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `redeploy.lua`; its header documents each."""

    target: str
    by: str
    note: str
    reason: Reason
    was: str
    digest: str
    number: int
    commit: str
    ref: str
    stream: str
    keep: Happened
    grace: int
    remember: int
    edges: int


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The reply of `redeploy.lua`; its header documents each field."""

    outcome: str
    code: str
    deploy: int
    other: int
    commit: str
    ref: str
    wake: int
    put: bool


REASONS = {
    "new": "{what} is deployed",
    "behind": "{what} is deployed after {other}, which was waiting already",
    "same-waits": "this deploy was waiting already",
    "replaced": "a redeploy was waiting and was given {what} instead of its own",
}
"""The script's codes in words."""

HELD = "the target is paused, and nothing of it starts until it is resumed"
