"""One push for one target, on its way into the ledger: pure, from the script's arguments to the answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import uuid4

import msgspec

from dispatcher.ledger.keys import Keys
from dispatcher.ledger.limits import Limits
from dispatcher.ledger.scripts import Call
from dispatcher.ledger.wakeups import WakeUp
from dispatcher.model import Deploy, Outcome, Push, Reason, Result, State, short_ref


@dataclass(frozen=True)
class Slot:
    """Where in the trail the answer to a push is kept."""

    entry: str
    step: int
    keep_for: int
    """Seconds."""


NOWHERE = Slot("", 0, 0)


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What the intake hands over: the push, the target that wants it, and the delivery that it came in."""

    target: str
    push: Push
    hook: str
    delivery: str = field(default_factory=lambda: f"none-{uuid4()}")
    """The host's delivery id; made up where it has none, so that it repeats nothing."""
    unsure: str = ""
    """Why it is not known whether the target wants it: for people only."""
    every: int = 0
    """How many of a stream may wait where every push is deployed; 0 where they are merged."""
    most_open: int = 0
    """Of how many branches deploys of the target may be open, that is, not over; 0 for any number."""
    filtered: str = ""
    """Why the target does not want it, "" if it does: such a push still moves the branch."""
    former: str = ""
    """The name that the target had before, "" for none: its row may still be there."""
    shown: str = ""
    """The name that people know it by, where `target` is another: see `under`."""
    slot: Slot = NOWHERE
    replays: int = 0
    """When the delivery first came that is replayed here, in milliseconds: what was pushed since stays. 0
    for one that comes by itself."""

    def under(self, name: str) -> Submission:
        """The same for the name that the target's row is under; people are told the newer of the two."""
        if name == self.former:
            return replace(self, target=name, former="", shown=self.shown or self.target)
        return replace(self, target=name, former=self.target, shown=name)

    def call(self, keys: Keys, limits: Limits) -> Call:
        push, target, stream = self.push, self.target, self.push.stream
        return Call(
            "submit",
            (
                keys.row(target),
                keys.deploys(target),
                keys.chain(target, stream),
                keys.ages(target, stream),
                keys.seen(target, push.ref, push.before, push.after, push.pushed_at),
                keys.delivery(self.hook, push.repository, self.delivery),
                keys.due,
                keys.paused,
                keys.renamed,
                keys.row(self.former or target),
                keys.trail(self.slot.entry),
                keys.open(target),
            ),
            (
                target,
                push.ref,
                push.before,
                push.after,
                push.pushed_at,
                msgspec.json.encode(self._deploy()).decode(),
                self.delivery,
                limits.remember,
                limits.edges,
                limits.grace,
                limits.deliveries,
                "passing" if self.filtered else "wanted",
                self.every,
                self.former,
                limits.renamed,
                self.slot.step if self.slot.entry else "",
                self.slot.keep_for,
                self.replays,
                self.most_open,
            ),
        )

    def _deploy(self) -> Deploy:
        push = self.push
        return Deploy(
            target=self.target,
            number=0,
            state=State.PENDING,
            stream=push.stream,
            ref=push.ref,
            commit=push.commit or push.after,
            before=push.before,
            reason=Reason.PUSH,
            requested_by=push.pusher,
            title=push.title,
        )

    def answer(self, raw: str) -> Answer:
        reply = msgspec.json.decode(raw, type=_Reply)
        commit = self.push.commit or self.push.after
        result = told(raw, self.shown or self.target, self.push.ref, commit, self.filtered)
        return Answer(result, self._wake_up(reply) if reply.wake else None)

    def _wake_up(self, reply: _Reply) -> WakeUp:
        what = f"push {self.push.after[:8]} to {short_ref(self.push.ref)}"
        return WakeUp(self.target, reply.wake, f"{what}, deploy {reply.deploy}")


class _Reply(msgspec.Struct, frozen=True):
    outcome: Outcome
    code: str
    deploy: int
    other: int | str
    wake: int
    repeated: bool = False


@dataclass(frozen=True)
class Answer:
    result: Result
    wake_up: WakeUp | None


def told(raw: str, target: str, ref: str, commit: str, filtered: str) -> Result:
    """The script's reply in words; `filtered` is why the target does not want the push, "" if it does."""
    reply = msgspec.json.decode(raw, type=_Reply)
    deploy = f"{target}/{reply.deploy}" if reply.deploy else ""
    words = {"deploy": deploy, "other": reply.other, "target": target, "ref": short_ref(ref)}
    text = REASONS[reply.code].format(**words)
    if reply.code == "passing":
        text = filtered
    if reply.repeated:
        text = f"this delivery came before; its answer was: {text}"
    return Result(
        target=target, ref=ref, commit=commit, outcome=reply.outcome, deploy=deploy, reason=text
    )


REASONS = {
    "new": "a new commit",
    "replayed": "the delivery was replayed",
    "overtaken": "the branch has moved on by pushes that arrived earlier; its newest commit is deployed",
    "again": "delivered again after a deploy that came to nothing",
    "waiting": "{deploy} was waiting and was given this commit",
    "full": "as many pushes wait as may: {deploy} was given this commit",
    "paused": "the target is paused; {deploy} waits until it is resumed",
    "same-waits": "{deploy} is waiting with this commit",
    "same-runs": "{deploy} is deploying this commit",
    "seen": "the same push was taken before, as {deploy}",
    "moved-past": "the branch has moved past this commit; it is at {other}",
    "deleted-since": "the branch has been deleted since",
    "left-behind": "a replay rolls nothing back: the branch is at {other} by now",
    "pushed-since": "a replay rolls nothing back: {target}/{other} was pushed after it",
    "passing": "",
    "deleted": "the branch or tag was deleted: nothing to deploy",
    "succeeded": "{target}/{other} has deployed this commit",
    "too-many-open": "deploys of {other} branches wait or run, and max_open_branches allows no more: when"
    " some are over, deliver it again, push again, or run `git-dispatcher redeploy {target} --ref {ref}`",
}
"""The script's codes in plain words."""
