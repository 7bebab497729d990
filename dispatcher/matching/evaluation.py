"""A delivery's pushes before the targets: what the hook may speak for, and who wants what.

Pure. Whoever takes a delivery and whoever explains one ask here, so that both say the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from dispatcher.domain.push import Push
from dispatcher.matching.globs import Rules
from dispatcher.matching.matcher import Decision, Matcher, Rule


class HookScope:
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
class Evaluation:
    """One push, and what every target of its repository makes of it."""

    push: Push
    decisions: tuple[Decision, ...]
    reason: str = ""
    """Why there are no decisions."""
    out_of_scope: bool = False
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


def evaluate(pushes: Iterable[Push], scope: HookScope, matcher: Matcher) -> tuple[Evaluation, ...]:
    """One for every push, in their order."""
    return tuple(_evaluation(push, scope, matcher) for push in pushes)


def _evaluation(push: Push, scope: HookScope, matcher: Matcher) -> Evaluation:
    """By all addresses of the repository, except for those that the hook may not speak for: a payload can
    claim any, and must not reach another hook's targets by one."""
    allowed = tuple(filter(scope.allows, push.addresses))
    if not allowed:
        return Evaluation(push, (), _not_allowed(scope, push.addresses), out_of_scope=True)
    decisions = matcher.match(push, allowed)
    return Evaluation(push, decisions, "" if decisions else _no_target(push, scope, allowed))


def _no_target(push: Push, scope: HookScope, allowed: Iterable[str]) -> str:
    said = f"no target for repository {' or '.join(allowed)}"
    others = [each for each in push.addresses if not scope.allows(each)]
    return f"{said}; hook {scope.name} may not speak for {' or '.join(others)}" if others else said


def _not_allowed(scope: HookScope, addresses: Iterable[str]) -> str:
    where = " or ".join(addresses)
    return f"hook {scope.name} may not speak for {where}: add it to the hook's repositories"


def explain(pushes: Iterable[Push], scope: HookScope, matcher: Matcher) -> tuple[Explanation, ...]:
    """One for each push and target of its repository, and one without a target where it has none.

    A target is also told of where the hook may not speak for its repository: for whoever may read the
    configuration, and never for a sender.
    """
    return tuple(
        _explanation(each.push, decision)
        for each in evaluate(pushes, scope, matcher)
        for decision in _all_decisions(each, scope, matcher)
    )


def _all_decisions(
    evaluation: Evaluation, scope: HookScope, matcher: Matcher
) -> tuple[Decision, ...]:
    """Those of the targets, of those that are out of the hook's reach, or one that there is none."""
    push = evaluation.push
    beyond = tuple(
        Decision(name, Rule.REPOSITORIES, _not_allowed(scope, [address]))
        for address in push.addresses
        if not scope.allows(address)
        for name in matcher.targets_of([address])
    )
    rule = Rule.REPOSITORIES if evaluation.out_of_scope else None
    return (*evaluation.decisions, *beyond) or (Decision("", rule, evaluation.reason),)


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
