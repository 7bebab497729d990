"""One push for one target, on its way into the ledger: from the script's arguments to the answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import uuid4

import msgspec

from dispatcher.domain.delivery import Replay
from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.outcome import Outcome, Result
from dispatcher.domain.push import Push
from dispatcher.domain.refs import short_ref
from dispatcher.ledger.keys import Keys
from dispatcher.ledger.retention import Retention
from dispatcher.ledger.scripts import Call
from dispatcher.ledger.timeouts import Timeouts
from dispatcher.ledger.wakeups import WakeUp


@dataclass(frozen=True)
class ReplyField:
    """The field of a delivery's entry in the log that stores the script's reply to one push."""

    delivery: str
    """The delivery's id in the log; "" where it isn't logged."""
    number: int
    """Of the push among the delivery's candidates."""
    keep_for: int
    """Seconds."""


UNLOGGED = ReplyField("", 0, 0)


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What the intake hands over: the push, the target that wants it, and the delivery that it came in."""

    target: str
    push: Push
    hook: str
    delivery: str = field(default_factory=lambda: f"none-{uuid4()}")
    """The host's delivery id; made up where it has none, so that it repeats nothing."""
    every: int = 0
    """How many of a stream may wait where every push is deployed; 0 where they are merged."""
    most_open: int = 0
    """Of how many branches deploys of the target may be open, that is, not over; 0 for any number."""
    filtered: str = ""
    """Why the target does not want it, "" if it does: such a push still moves the branch."""
    by_paths: bool = False
    """It is filtered only by the files that it lists: not where others may have changed before it."""
    former: str = ""
    """The name that the target had before, "" for none: its row may still be there."""
    shown: str = ""
    """The name that people know it by, where `target` is another: see `under`."""
    reply_field: ReplyField = UNLOGGED
    replay: Replay | None = None
    """What was pushed since the delivery came first that is replayed, stays."""
    clock_skew: int = 300_000
    """Milliseconds by which the host's time may be ahead of Redis' clock; one that is more says nothing."""

    def under(self, name: str) -> Submission:
        """The same for the name that the target's row is under; people are told the newer of the two."""
        if name == self.former:
            return replace(self, target=name, former="", shown=self.shown or self.target)
        return replace(self, target=name, former=self.target, shown=name)

    def call(self, keys: Keys, retention: Retention, timeouts: Timeouts) -> Call:
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
                keys.logged_delivery(self.reply_field.delivery),
                keys.open(target),
                keys.times(target),
            ),
            (self._arguments(retention, timeouts),),
        )

    def _arguments(self, retention: Retention, timeouts: Timeouts) -> Arguments:
        push = self.push
        return Arguments(
            deploy=self._deploy(),
            before=push.before,
            after=push.after,
            pushed_at=push.pushed_at,
            delivery=self.delivery,
            wants=self._wants(),
            filtered=self.filtered,
            every=self.every,
            most_open=self.most_open,
            former=self.former,
            reply_field=str(self.reply_field.number) if self.reply_field.delivery else "",
            keep_for=self.reply_field.keep_for,
            replays=self.replay.first_at if self.replay else 0,
            clock_skew=self.clock_skew,
            remember=retention.remember,
            edges=retention.edges,
            times=retention.times,
            refs=retention.refs,
            deliveries=retention.deliveries,
            renamed=retention.renamed,
            grace=timeouts.wake_up,
        )

    def _wants(self) -> str:
        if not self.filtered:
            return "wanted"
        return "paths" if self.by_paths else "passing"

    def _deploy(self) -> Deploy:
        push, replay = self.push, self.replay
        return Deploy(
            target=self.target,
            number=0,
            state=State.PENDING,
            stream=push.stream,
            ref=push.ref,
            commit=push.commit or push.after,
            before=push.before,
            reason=Reason.REPLAY if replay else Reason.PUSH,
            requested_by=replay.by if replay else push.pusher,
            note=replay.note if replay else "",
            title=push.title,
        )

    def answer(self, raw: str) -> Answer:
        reply = Reply.of(raw)
        commit = self.push.commit or self.push.after
        result = reply.result(self.shown or self.target, self.push.ref, commit, self.filtered)
        wake_up = self._wake_up(reply) if reply.wake else None
        return Answer(result, wake_up, self.push.pushed_at if reply.ahead else 0)

    def _wake_up(self, reply: Reply) -> WakeUp:
        what = f"push {self.push.after[:8]} to {short_ref(self.push.ref)}"
        return WakeUp(self.target, reply.wake, f"{what}, deploy {reply.deploy}")


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """What `submit.lua` takes: its header says what each is."""

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
    grace: int


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What `submit.lua` answers, and the delivery log stores: its header says what each is."""

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

    def result(self, target: str, ref: str, commit: str, filtered: str) -> Result:
        """In words; `filtered` is why the target does not want the push, "" if it does."""
        deploy = f"{target}/{self.deploy}" if self.deploy else ""
        text = _in_words(self, target, ref, deploy)
        if self.code == "passing":
            text = str(self.other) or filtered
        if self.repeated:
            text = f"this delivery came before; its answer was: {text}"
        return Result(
            target=target, ref=ref, commit=commit, outcome=self.outcome, deploy=deploy, reason=text
        )


@dataclass(frozen=True)
class Answer:
    result: Result
    wake_up: WakeUp | None
    ahead: int = 0
    """The host's time (ms) where it was too far ahead of Redis' clock to be used; else 0."""


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
"""The script's codes in plain words."""

WHY = {
    "overtaken": "the branch has moved on by pushes that arrived earlier; its newest commit is deployed",
    "late": "it came late, and no deploy has had it: the branch is at {at} by now, which is deployed",
    "owed": "it closes a gap, behind which is something wanted that was not deployed last: the branch is at "
    "{at}, which is deployed",
    "gap": "a push in between has not come: the files changed since {since} are unknown, so the path filter "
    "does not apply",
    "back": "the branch went back: the changed files are unknown, so the path filter does not apply",
}
"""What is said before that, or in place of "a new commit": why a push is deployed that would not be, or another
commit than its own."""
