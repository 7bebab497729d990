"""A push for one target: the script's arguments, and its reply in words."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from dispatcher.domain.decision import Decision, Rule
from dispatcher.domain.delivery import Delivery
from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.outcome import Outcome, Result
from dispatcher.domain.push import Push
from dispatcher.domain.refs import short_ref
from dispatcher.ledger.retention import Happened
from dispatcher.ledger.scripts import Call
from dispatcher.ledger.store import Store
from dispatcher.ledger.wakeups import WakeUp


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What the intake hands over: one push of a delivery, for one target."""

    delivery: Delivery
    """Without its body."""
    number: int
    """Number of the push for this target among the delivery's decisions."""
    push: Push
    target: str
    """The name that the target's row has."""
    shown: str = ""
    """The target's name for people, if that is its other name: see `under`."""
    former: str = ""
    """The target's former name, "" for none: its row may still have that name."""
    every: int = 0
    """How many deploys of a stream may wait if every push is deployed; 0 if pushes are merged."""
    most_open: int = 0
    """How many branches of the target may have open deploys; 0 for any number."""
    keep_for: int = 0
    """Seconds for which the delivery log keeps the script's reply; 0 if the delivery is not logged."""
    clock_skew: int = 300_000
    """Milliseconds by which the host's time may be ahead of Redis'; the ledger ignores one further ahead."""

    @property
    def decision(self) -> Decision:
        """A push that the target does not want still moves the branch."""
        return self.delivery.decisions[self.number]

    def under(self, name: str) -> Submission:
        """The same under the name that the target's row has; people are shown the newer of its two names."""
        if name == self.former:
            return replace(self, target=name, former="", shown=self.shown or self.target)
        return replace(self, target=name, former=self.target, shown=name)

    def call(self, store: Store) -> Call:
        delivery, push, target, keys = self.delivery, self.push, self.target, store.keys
        stream = push.stream
        return Call(
            "submit",
            (
                keys.row(target),
                keys.deploys(target),
                keys.chain(target, stream),
                keys.ages(target, stream),
                keys.seen(target, push.ref, push.before, push.after, push.pushed_at),
                keys.delivery(delivery.hook, push.repository, delivery.delivery_id),
                keys.due,
                keys.paused,
                keys.renamed,
                keys.row(self.former or target),
                keys.logged_delivery(delivery.id),
                keys.open(target),
                keys.times(target),
                *keys.noted(target),
            ),
            (self._arguments(store),),
        )

    def _arguments(self, store: Store) -> Arguments:
        push, replay, retention = self.push, self.delivery.replay, store.retention
        return Arguments(
            deploy=self._deploy(),
            before=push.before,
            after=push.after,
            pushed_at=push.pushed_at,
            delivery=self.delivery.delivery_id,
            wants=self._wants(),
            filtered=self.decision.filtered,
            every=self.every,
            most_open=self.most_open,
            former=self.former,
            reply_field=str(self.number),
            keep_for=self.keep_for,
            replays=replay.first_at if replay else 0,
            clock_skew=self.clock_skew,
            remember=retention.remember,
            edges=retention.edges,
            times=retention.times,
            refs=retention.refs,
            deliveries=retention.deliveries,
            renamed=retention.renamed,
            keep=retention.happened,
            grace=store.timeouts.wake_up,
        )

    def _wants(self) -> str:
        if not self.decision.filtered:
            return "wanted"
        return "paths" if self.decision.rule is Rule.PATHS else "passing"

    def _deploy(self) -> Deploy:
        push, replay = self.push, self.delivery.replay
        return Deploy(
            target=self.target,
            number=0,
            state=State.PENDING,
            stream=push.stream,
            ref=push.ref,
            commit=self.decision.commit,
            before=push.before,
            reason=Reason.REPLAY if replay else Reason.PUSH,
            requested_by=replay.by if replay else push.pusher,
            note=replay.note if replay else "",
            title=push.title,
        )

    def answer(self, raw: str) -> SubmitResult:
        reply = Reply.of(raw)
        result = reply.result(self.decision, self.shown or self.target)
        wake_up = self._wake_up(reply) if reply.wake else None
        return SubmitResult(result, wake_up, self.push.pushed_at if reply.ahead else 0)

    def _wake_up(self, reply: Reply) -> WakeUp:
        what = f"push {self.push.after[:8]} to {short_ref(self.push.ref)}"
        return WakeUp(self.target, reply.wake, f"{what}, deploy {reply.deploy}")


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `submit.lua`; its header documents each."""

    deploy: Deploy
    before: str
    after: str
    pushed_at: int
    delivery: str
    wants: str
    filtered: str
    every: int
    most_open: int
    former: str
    reply_field: str
    keep_for: int
    replays: int
    clock_skew: int
    remember: int
    edges: int
    times: int
    refs: int
    deliveries: int
    renamed: int
    keep: Happened
    grace: int


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The reply of `submit.lua`, which the delivery log stores too; the script's header documents each
    field."""

    outcome: Outcome
    code: str
    deploy: int
    other: int | str
    wake: int
    repeated: bool = False
    why: str = ""
    at: str = ""
    gap: str = ""
    ahead: bool = False

    @classmethod
    def of(cls, raw: str) -> Reply:
        return msgspec.json.decode(raw, type=cls)

    def result(self, decision: Decision, target: str) -> Result:
        """In words; `target` is the name that people know it by."""
        deploy = f"{target}/{self.deploy}" if self.deploy else ""
        text = _in_words(self, target, decision.ref, deploy)
        if self.code == "passing":
            text = str(self.other) or decision.filtered
        if self.repeated:
            text = f"this delivery came before; its answer was: {text}"
        return Result(
            target=target,
            ref=decision.ref,
            commit=decision.commit,
            outcome=self.outcome,
            deploy=deploy,
            reason=text,
        ).although(decision.unsure)


@dataclass(frozen=True)
class SubmitResult:
    """What came of a submission, and what is to be done about it."""

    result: Result
    wake_up: WakeUp | None
    ahead: int = 0
    """The host's time (ms) if it was too far ahead of Redis' clock to be used; else 0."""


def _in_words(reply: Reply, target: str, ref: str, deploy: str) -> str:
    what = f"commit {reply.at[:8]}" if reply.at else "this commit"
    words = {"deploy": deploy, "other": reply.other, "target": target, "ref": short_ref(ref)}
    said = REASONS[reply.code].format(**words, what=what)
    if not reply.why:
        return said
    since = "its deletion" if reply.gap == "0" else reply.gap[:8]
    why = WHY[reply.why].format(at=reply.at, since=since)
    return why if reply.code in ("new", "replayed") else f"{why}; {said}"


REASONS = {
    "new": "a new commit",
    "replayed": "the delivery was replayed",
    "again": "delivered again after a deploy that came to nothing",
    "waiting": "{deploy} was waiting and was given {what}",
    "full": "as many pushes wait as may: {deploy} was given {what}",
    "paused": "the target is paused; {deploy} waits until it is resumed",
    "same-waits": "{deploy} is waiting with {what}",
    "same-runs": "{deploy} is deploying {what}",
    "seen": "the same push was taken before, as {deploy}",
    "moved-past": "the branch has moved past this commit; it is at {other}",
    "older": "by its host's clock, a push of this branch or tag is known that is as new or newer",
    "older-tag": "by its host's clock, tag {other} was pushed after it, and the target deploys the newest tag",
    "deleted-since": "the branch has been deleted since",
    "left-behind": "a replay rolls nothing back: the branch is at {other} by now",
    "pushed-since": "a replay rolls nothing back: {target}/{other} was pushed after it",
    "passing": "",
    "deleted": "the branch or tag was deleted: nothing to deploy",
    "succeeded": "{target}/{other} has deployed {what}",
    "too-many-open": "deploys of {other} branches wait or run, and max_open_branches allows no more: when"
    " some are over, deliver it again, push again, or run `git-dispatcher redeploy {target} --ref {ref}`",
}
"""The script's codes in words."""

WHY = {
    "overtaken": "the branch has moved on by pushes that arrived earlier; its newest commit is deployed",
    "late": "it came late, and no deploy has had it: the branch is at {at} by now, which is deployed",
    "owed": "it closes a gap, behind which is something wanted that was not deployed last: the branch is at "
    "{at}, which is deployed",
    "gap": "a push in between has not come: the files changed since {since} are unknown, so the path filter "
    "does not apply",
    "back": "the branch went back: the changed files are unknown, so the path filter does not apply",
}
"""Codes that come first, or in place of "a new commit": why a push is deployed after all, or another commit
than its own."""
