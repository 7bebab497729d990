"""What a delivery means for the targets, up to what the ledger has to decide.

Pure: a hook, headers and bytes in, a plan out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from dispatcher.config import Hook
from dispatcher.domain.model import Outcome, Push, Result
from dispatcher.http.client_address import Address
from dispatcher.http.live_config import Configured
from dispatcher.http.webhooks.keeping import About, Came, Planned, placed, record_of
from dispatcher.http.webhooks.unauthenticated import receive_from
from dispatcher.ledger import Record, Submission
from dispatcher.matching.evaluation import consider
from dispatcher.matching.matcher import Decision, Rule
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.delivery_ids import authenticated_headers
from dispatcher.webhooks.parsed import Ignored, Received, Rejected
from dispatcher.webhooks.parsed import Parsed as Told
from dispatcher.webhooks.stored_headers import stored_headers

UNPROVED, TOO_LARGE = 401, 413
"""Statuses of what is refused: nothing is kept of the one, and no body of the other."""
DONE_SOMETHING = frozenset({Outcome.ACCEPTED, Outcome.COALESCED, Outcome.HELD})


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of the answer to a delivery."""

    delivery: str
    results: tuple[Result, ...]
    """As the delivery lists its refs, and as the targets are configured within one."""
    reason: str = ""
    """Why there are no results."""

    @property
    def status(self) -> int:
        """202 where something is going to happen because of it."""
        return 202 if any(each.outcome in DONE_SOMETHING for each in self.results) else 200


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A verified delivery: some results are known, others the ledger tells."""

    delivery: str
    event: str
    repository: str = ""
    secret: str = ""
    """Where the secret comes from that proved it, never the secret."""
    pushes: tuple[Push, ...] = ()
    steps: tuple[Planned, ...] = ()
    reason: str = ""
    refused: bool = False
    """The hook may not speak for the repository."""
    rejected: Rejected | None = None
    """It is proved, and cannot be read."""
    record: Record | None = None
    """What is put into the trail."""

    @property
    def submissions(self) -> list[Submission]:
        return [step for step in self.steps if isinstance(step, Submission)]

    def answer(self, recorded: Iterable[Result]) -> Answer:
        """With what the ledger said to `submissions`, in their order."""
        told = iter(recorded)
        results = tuple(
            next(told).although(s.unsure) if isinstance(s, Submission) else s for s in self.steps
        )
        return Answer(delivery=self.delivery, results=results, reason=self.reason)


def understand(
    configured: Configured,
    hook: Hook,
    headers: Iterable[tuple[bytes, bytes]],
    body: bytes,
    now: float,
    sender: Address | None,
    anywhere: bool = False,
) -> Plan | Rejected:
    """What to do about a delivery; `now` is in seconds since the epoch, `sender` is None if unknown.

    `anywhere` is whether hooks without secrets take what was not meant for this very machine.
    """
    trust = Trust([secret.reveal() for secret in hook.secrets], now, hook.replay_window)
    answer = receive_from(sender, hook, configured.alike, headers, body, trust, anywhere=anywhere)
    if isinstance(answer, Rejected) and answer.status == UNPROVED:
        return answer
    came = Came(
        hook=hook.name,
        provider=hook.provider,
        headers=stored_headers(hook.provider, authenticated_headers(hook.provider, headers, trust)),
        body=body,
        whole=not isinstance(answer, Rejected) or answer.status != TOO_LARGE,
    )
    return plan(configured, hook, answer, came)


def plan(configured: Configured, hook: Hook, answer: Told, came: Came) -> Plan:
    """What to do about a delivery that was proved, now or before it was replayed."""
    made = _plan(configured, hook, answer, came)
    proved = hook.secrets and answer.secret is not None and not came.replay
    made = replace(made, secret=hook.secrets[answer.secret or 0].source if proved else "")
    about = About(
        delivery=made.delivery,
        event=made.event,
        repository=made.repository,
        reason=made.reason,
        refused=made.rejected.code if made.rejected else "",
        secret=made.secret,
    )
    return replace(made, record=record_of(came, about, made.pushes, made.steps, configured.bounds))


def _plan(configured: Configured, hook: Hook, answer: Told, came: Came) -> Plan:
    match answer:
        case Rejected():
            return Plan(delivery="", event="", reason=answer.message, rejected=answer)
        case Ignored():
            return Plan(delivery=answer.delivery_id, event=answer.event, reason=answer.reason)
        case Received():
            return _matched(configured, hook, answer, came)


def _matched(configured: Configured, hook: Hook, received: Received, came: Came) -> Plan:
    # One id for the whole delivery, so that its targets' deploys can be told to belong together.
    delivery = came.delivery(received.delivery_id)
    considered = consider(received.pushes, configured.speakers[hook.name], configured.matcher)
    steps = tuple(
        _step(configured, hook.name, delivery, each.push, decision)
        for each in considered
        for decision in each.decisions
    )
    return Plan(
        delivery=delivery,
        event=received.event,
        repository=_each_once(push.repository for push in received.pushes),
        pushes=received.pushes,
        steps=placed(steps, came, configured.bounds),
        reason="" if steps else _each_once(each.reason for each in considered),
        refused=any(each.refused for each in considered),
    )


def _step(
    configured: Configured, hook: str, delivery: str, push: Push, decision: Decision
) -> Submission | Result:
    """A branch that the target follows moves in the ledger, even if nothing is deployed for it."""
    if decision.wanted or decision.follows:
        passing = not decision.wanted and not decision.deletion
        target = configured.targets[decision.target]
        return Submission(
            target=decision.target,
            push=push,
            hook=hook,
            delivery=delivery,
            unsure=decision.unsure,
            every=target.every,
            most_open=target.max_open_branches,
            former=target.renamed_from,
            filtered=decision.reason if passing else "",
            by_paths=decision.rule is Rule.PATHS,
            clock_skew=configured.hooks[hook].clock_skew * 1000,
        )
    return Result(
        target=decision.target,
        ref=push.ref,
        commit=push.commit or push.after,
        outcome=Outcome.FILTERED,
        reason=decision.reason,
    )


def _each_once(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(texts))
