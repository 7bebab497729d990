"""A delivery's pushes before the targets: what the hook may speak for, and who wants what.

Pure. Whoever takes a delivery and whoever explains one ask here, so that both say the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from dispatcher.domain.model import Push
from dispatcher.matching.globs import Rules
from dispatcher.matching.matcher import Decision, Matcher, Rule


class Speaker:
    """A hook, and the repositories that it speaks for.

    Case doesn't count. Only a glob that matches lets a repository in: a list of nothing but exceptions
    lets in none, and so does an empty one.
    """

    __slots__ = ("_rules", "name")

    def __init__(self, name: str, repositories: Iterable[str]) -> None:
        self.name = name
        self._rules = Rules((glob.lower() for glob in repositories), default=False)

    def allows(self, identity: str) -> bool:
        return self._rules.wants(identity.lower())


@dataclass(frozen=True, slots=True)
class Considered:
    """One push, and what every target of its repository makes of it."""

    push: Push
    decisions: tuple[Decision, ...]
    reason: str = ""
    """Why there are no decisions."""
    refused: bool = False
    """The hook may not speak for the repository."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why one push makes one target deploy, or does not."""

    repository: str
    ref: str
    commit: str
    target: str
    """"" where the repository has none."""
    wanted: bool
    rule: Rule | None
    """What turned it away; null also where there is no target."""
    reason: str


def consider(pushes: Iterable[Push], speaker: Speaker, matcher: Matcher) -> tuple[Considered, ...]:
    """One for every push, in their order."""
    return tuple(_considered(push, speaker, matcher) for push in pushes)


def _considered(push: Push, speaker: Speaker, matcher: Matcher) -> Considered:
    """By all addresses of the repository, except for those that the hook may not speak for: a payload can
    claim any, and must not reach another hook's targets by one."""
    allowed = tuple(filter(speaker.allows, push.addresses))
    if not allowed:
        return Considered(push, (), _not_allowed(speaker, push.addresses), refused=True)
    decisions = matcher.match(push, allowed)
    return Considered(push, decisions, "" if decisions else _no_target(push, speaker, allowed))


def _no_target(push: Push, speaker: Speaker, allowed: Iterable[str]) -> str:
    said = f"no target for repository {' or '.join(allowed)}"
    others = [each for each in push.addresses if not speaker.allows(each)]
    return (
        f"{said}; hook {speaker.name} may not speak for {' or '.join(others)}" if others else said
    )


def _not_allowed(speaker: Speaker, addresses: Iterable[str]) -> str:
    where = " or ".join(addresses)
    return f"hook {speaker.name} may not speak for {where}: add it to the hook's repositories"


def explain(pushes: Iterable[Push], speaker: Speaker, matcher: Matcher) -> tuple[Explanation, ...]:
    """One for each push and target of its repository, and one without a target where it has none.

    A target is also told of where the hook may not speak for its repository: for whoever may read the
    configuration, and never for a sender.
    """
    return tuple(
        _explanation(each.push, decision)
        for each in consider(pushes, speaker, matcher)
        for decision in _all_decisions(each, speaker, matcher)
    )


def _all_decisions(
    considered: Considered, speaker: Speaker, matcher: Matcher
) -> tuple[Decision, ...]:
    """Those of the targets, of those that are out of the hook's reach, or one that there is none."""
    push = considered.push
    beyond = tuple(
        Decision(name, Rule.REPOSITORIES, _not_allowed(speaker, [address]))
        for address in push.addresses
        if not speaker.allows(address)
        for name in matcher.targets_of([address])
    )
    rule = Rule.REPOSITORIES if considered.refused else None
    return (*considered.decisions, *beyond) or (Decision("", rule, considered.reason),)


def _explanation(push: Push, decision: Decision) -> Explanation:
    return Explanation(
        repository=push.repository,
        ref=push.ref,
        commit=push.commit or push.after,
        target=decision.target,
        wanted=decision.wanted and decision.target != "",
        rule=decision.rule,
        reason=decision.reason,
    )
