"""What a delivery means for the targets, up to what the ledger has to decide.

Purely computational: a hook, headers and bytes in, a plan out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import msgspec

from dispatcher.config import Hook
from dispatcher.http.live import Configured
from dispatcher.ledger import Submission
from dispatcher.matching import Decision, allowed
from dispatcher.model import Outcome, Push, Result
from dispatcher.webhooks import Ignored, Received, Rejected, receive

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
    steps: tuple[Submission | Result, ...] = ()
    reason: str = ""
    refused: bool = False
    """The hook may not speak for the repository."""

    @property
    def submissions(self) -> list[Submission]:
        return [step for step in self.steps if isinstance(step, Submission)]

    def answer(self, recorded: Iterable[Result]) -> Answer:
        """With what the ledger said to `submissions`, in their order."""
        told = iter(recorded)
        results = tuple(next(told) if isinstance(s, Submission) else s for s in self.steps)
        return Answer(delivery=self.delivery, results=results, reason=self.reason)


def understand(
    configured: Configured, hook: Hook, headers: Iterable[tuple[bytes, bytes]], body: bytes
) -> Plan | Rejected:
    secrets = [secret.reveal() for secret in hook.secrets]
    answer = receive(hook.provider, headers, body, secrets)
    match answer:
        case Rejected():
            return answer
        case Ignored():
            return Plan(delivery=answer.delivery_id, event=answer.event, reason=answer.reason)
        case Received():
            return _plan(configured, hook, answer)


def _plan(configured: Configured, hook: Hook, received: Received) -> Plan:
    # One id for the whole delivery, so that its targets' deploys can be told to belong together.
    delivery = received.delivery_id or f"none-{uuid4()}"
    allowed_pushes = [p for p in received.pushes if allowed(p.repository, hook.repositories)]
    steps = tuple(
        _step(configured, hook.name, delivery, push, decision)
        for push in allowed_pushes
        for decision in configured.matcher.match(push)
    )
    return Plan(
        delivery=delivery,
        event=received.event,
        repository=", ".join(_repositories(received.pushes)),
        secret=hook.secrets[received.secret].source,
        steps=steps,
        reason="" if steps else _why_none(hook, received.pushes, allowed_pushes),
        refused=len(allowed_pushes) < len(received.pushes),
    )


def _step(
    configured: Configured, hook: str, delivery: str, push: Push, decision: Decision
) -> Submission | Result:
    """A branch that the target follows moves in the ledger, even if nothing is deployed for it."""
    if decision.wanted or decision.follows:
        passing = not decision.wanted and not decision.deletion
        return Submission(
            target=decision.target,
            push=push,
            hook=hook,
            delivery=delivery,
            every=configured.targets[decision.target].every,
            former=configured.targets[decision.target].renamed_from,
            filtered=decision.reason if passing else "",
        )
    return Result(
        target=decision.target,
        ref=push.ref,
        commit=push.commit or push.after,
        outcome=Outcome.FILTERED,
        reason=decision.reason,
    )


def _why_none(hook: Hook, pushes: Iterable[Push], spoken_for: Iterable[Push]) -> str:
    known = ", ".join(_repositories(spoken_for))
    if known:
        return f"no target for repository {known}"
    names = ", ".join(_repositories(pushes))
    return f"hook {hook.name} may not speak for {names}: add it to the hook's repositories"


def _repositories(pushes: Iterable[Push]) -> Iterator[str]:
    yield from dict.fromkeys(push.repository for push in pushes)
