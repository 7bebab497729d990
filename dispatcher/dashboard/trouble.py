"""What an operator must look at, the worst first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from dispatcher.dashboard.advice import advice
from dispatcher.domain.deploy import Deploy, State
from dispatcher.ledger import Glance


class Kind(StrEnum):
    FAILED = "failed"  # the newest deploy that is over has failed or was lost
    STUCK = "stuck"  # a deploy is to stop and does not go
    BLOCKED = "blocked"  # something holds the target up
    HELD = "held"  # a person has paused it
    QUIET = "quiet"  # a hook takes no deliveries


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One line: what is wrong, and what can be done."""

    kind: Kind
    subject: str
    link: str
    what: str
    since: int = 0
    """Milliseconds; 0 if unknown."""
    action: str = ""


def troubles(glances: Iterable[Glance]) -> list[Trouble]:
    """Of all targets, the worst first."""
    order = list(Kind)
    found = [trouble for glance in glances for trouble in of_target(glance)]
    return sorted(found, key=lambda trouble: (order.index(trouble.kind), -trouble.since))


def of_target(glance: Glance) -> Iterator[Trouble]:
    link = f"/targets/{glance.name}"
    if (ended := glance.ended) and ended.state in (State.FAILED, State.LOST):
        yield _failed(ended)
    if glance.trouble:
        stopping = next((d for d in glance.open if d.state is State.STOPPING), None)
        yield Trouble(
            kind=Kind.STUCK if stopping else Kind.BLOCKED,
            subject=stopping.name if stopping else glance.name,
            link=deploy_link(stopping) if stopping else link,
            what=glance.trouble,
            since=stopping.stopping_at if stopping else _since(glance),
            action="Release it once you know that its Pods are gone." if stopping else "",
        )
    if glance.paused:
        waits = f"; {glance.open_count} of it open" if glance.open_count else ""
        yield Trouble(
            kind=Kind.HELD,
            subject=glance.name,
            link=link,
            what=f"{glance.paused}{waits}",
            since=glance.paused.at,
            action="Resume it when it may deploy again.",
        )


def deploy_link(deploy: Deploy) -> str:
    return f"/targets/{deploy.target}/deploys/{deploy.number}"


def _failed(ended: Deploy) -> Trouble:
    counsel = advice(ended.cause)
    return Trouble(
        kind=Kind.FAILED,
        subject=ended.name,
        link=deploy_link(ended),
        what=ended.why or str(ended.state),
        since=ended.ended_at,
        action=counsel.action if counsel else "",
    )


def _since(glance: Glance) -> int:
    return min((deploy.wanted_at or deploy.created_at for deploy in glance.open), default=0)
