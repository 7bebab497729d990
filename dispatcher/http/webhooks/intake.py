"""Turns a request or a replay into an evaluated delivery and the submissions for the ledger.

A request becomes a delivery once it is authenticated; a replay already is one. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from dispatcher.domain.delivery import ID_LENGTH, Delivery, RefUpdate
from dispatcher.domain.outcome import Outcome, Result
from dispatcher.domain.push import Push
from dispatcher.http.live_config import ActiveConfig
from dispatcher.http.webhooks.unauthenticated import Incoming, receive_incoming
from dispatcher.ledger import LogEntry, Submission
from dispatcher.matching.evaluation import evaluate
from dispatcher.webhooks.receiving import authenticated_headers
from dispatcher.webhooks.results import Ignored, Parsed, Received, Rejected
from dispatcher.webhooks.stored_headers import stored_headers

UNAUTHENTICATED, TOO_LARGE = 401, 413
"""Statuses of rejections: of a 401 nothing is stored, of a 413 no body."""
DONE_SOMETHING = frozenset({Outcome.ACCEPTED, Outcome.COALESCED, Outcome.HELD})


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of the answer to a delivery."""

    delivery: str
    results: tuple[Result, ...]
    """In the delivery's order of refs; within a ref in configuration order of targets."""
    reason: str = ""
    """Why there are no results."""

    @property
    def status(self) -> int:
        """202 if the delivery changes something, else 200."""
        return 202 if any(each.outcome in DONE_SOMETHING for each in self.results) else 200


@dataclass(frozen=True, kw_only=True)
class Intake:
    """An evaluated delivery: its log record, and the submissions that the ledger decides."""

    log_entry: LogEntry
    submissions: tuple[Submission, ...] = ()
    """One for each decision on a ref that its target follows, in the same order."""
    rejected: Rejected | None = None
    """The delivery is authenticated but cannot be parsed."""
    out_of_scope: bool = False
    """The hook may not speak for one of the delivery's repositories."""

    @property
    def delivery(self) -> Delivery:
        return self.log_entry.delivery

    def answer(self, results: Iterable[Result]) -> Answer:
        """The answer, given the ledger's results of `submissions` in the same order."""
        of_ledger, delivery = iter(results), self.delivery
        merged = tuple(
            next(of_ledger) if each.follows else each.result() for each in delivery.decisions
        )
        return Answer(delivery=delivery.delivery_id, results=merged, reason=delivery.reason)


def take_in(
    configured: ActiveConfig, incoming: Incoming, accept_foreign_hosts: bool = False
) -> Intake | Rejected:
    """Evaluates a request; Rejected if it is not authenticated.

    `accept_foreign_hosts`: hooks without secrets accept any Host and Origin, not just this machine's.
    """
    parsed = receive_incoming(
        incoming, configured.uniform_cost, accept_foreign_hosts=accept_foreign_hosts
    )
    if isinstance(parsed, Rejected) and parsed.status == UNAUTHENTICATED:
        return parsed
    return evaluated(configured, _delivery(incoming, parsed), parsed)


def _delivery(incoming: Incoming, parsed: Parsed) -> Delivery:
    hook = incoming.hook
    headers = authenticated_headers(hook.provider, incoming.headers, incoming.trust())
    return Delivery(
        id=incoming.id[:ID_LENGTH],
        hook=hook.name,
        provider=hook.provider,
        headers=stored_headers(hook.provider, headers),
        body=incoming.body,
        body_stored=not isinstance(parsed, Rejected) or parsed.status != TOO_LARGE,
        secret=hook.secrets[parsed.secret].source
        if hook.secrets and parsed.secret is not None
        else "",
        delivery_id=f"none-{incoming.id}",
    )


def evaluated(configured: ActiveConfig, delivery: Delivery, parsed: Parsed) -> Intake:
    """Evaluates a delivery that was authenticated, now or before it was replayed.

    Its `delivery_id` is the ID that its deploys get if the Git host sent none. A replay keeps it.
    """
    match parsed:
        case Rejected():
            delivery = replace(
                delivery, delivery_id="", reason=parsed.message, rejected=parsed.code
            )
            return Intake(log_entry=LogEntry.of(delivery, configured.log_bounds), rejected=parsed)
        case Ignored():
            delivery = replace(
                delivery,
                delivery_id=parsed.delivery_id,
                event=parsed.event,
                reason=parsed.reason,
            )
            return Intake(log_entry=LogEntry.of(delivery, configured.log_bounds))
        case Received():
            return _evaluated(configured, delivery, parsed)


def _evaluated(configured: ActiveConfig, delivery: Delivery, received: Received) -> Intake:
    scope = configured.scopes[delivery.hook]
    evaluations = evaluate(received.pushes, scope, configured.matcher)
    decided = [(each.push, decision) for each in evaluations for decision in each.decisions]
    made_up = delivery.delivery_id
    delivery = replace(
        delivery,
        event=received.event,
        # One ID for the whole delivery, which shows that its targets' deploys belong together.
        delivery_id=made_up if delivery.replay else received.delivery_id or made_up,
        repository=_each_once(push.repository for push in received.pushes),
        refs=tuple(RefUpdate(ref=p.ref, before=p.before, after=p.after) for p in received.pushes),
        decisions=tuple(decision for _, decision in decided),
        reason="" if decided else _each_once(each.reason for each in evaluations),
    )
    entry = LogEntry.of(delivery, configured.log_bounds)
    return Intake(
        log_entry=entry,
        submissions=tuple(
            _submission(configured, entry.delivery, number, push)
            for number, (push, decision) in enumerate(decided)
            if decision.follows
        ),
        out_of_scope=any(each.out_of_scope for each in evaluations),
    )


def _submission(
    configured: ActiveConfig, delivery: Delivery, number: int, push: Push
) -> Submission:
    """The submission of a followed ref: its head moves in the ledger even if nothing is deployed."""
    target, bounds = configured.targets[delivery.decisions[number].target], configured.log_bounds
    return Submission(
        delivery=delivery,
        number=number,
        push=push,
        target=target.name,
        former=target.renamed_from,
        every=target.every,
        most_open=target.max_open_branches,
        keep_for=bounds.keep_for if bounds.keep else 0,
        clock_skew=configured.hooks[delivery.hook].clock_skew * 1000,
    )


def _each_once(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(texts))
