"""Evaluates a delivery's pushes: may the hook speak for the repository, and which targets want them.

Pure. Intake and explanation both call this, so that they always agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from dispatcher.domain.decision import Decision, Rule
from dispatcher.domain.push import Push
from dispatcher.matching.globs import Rules
from dispatcher.matching.matcher import Matcher


class HookScope:
    """A hook, and the repositories that it speaks for.

    Ignores case. Allows a repository only if a glob matches it: an empty list, or one of exceptions only,
    allows none.
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
    """Why there are no decisions, or ""."""
    out_of_scope: bool = False
    """The hook may not speak for the repository."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a push makes a target deploy, or does not."""

    repository: str
    ref: str
    commit: str
    target: str
    """"" if no target has the repository."""
    wanted: bool
    rule: Rule | None
    """The rule that filtered it; null if the target wants it, or there is no target."""
    reason: str


def evaluate(pushes: Iterable[Push], scope: HookScope, matcher: Matcher) -> tuple[Evaluation, ...]:
    """One evaluation for each push, in the same order."""
    return tuple(_evaluation(push, scope, matcher) for push in pushes)


def _evaluation(push: Push, scope: HookScope, matcher: Matcher) -> Evaluation:
    """Matches all addresses of the repository that the hook may speak for. A payload can claim any address,
    and must not reach another hook's targets with it."""
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
    """One explanation for each push and target of its repository, or one without target if it has none.

    Also names targets whose repository the hook may not speak for, so only those who may read the
    configuration may see it, never a sender.
    """
    return tuple(
        _explanation(each.push.repository, decision)
        for each in evaluate(pushes, scope, matcher)
        for decision in _all_decisions(each, scope, matcher)
    )


def _all_decisions(
    evaluation: Evaluation, scope: HookScope, matcher: Matcher
) -> tuple[Decision, ...]:
    """The decisions of targets, then of targets outside the hook's scope; or one that there is no target."""
    push = evaluation.push
    beyond = tuple(
        Decision.on(push, name, Rule.REPOSITORIES, _not_allowed(scope, [address]))
        for address in push.addresses
        if not scope.allows(address)
        for name in matcher.targets_of([address])
    )
    rule = Rule.REPOSITORIES if evaluation.out_of_scope else None
    return (*evaluation.decisions, *beyond) or (Decision.on(push, "", rule, evaluation.reason),)


def _explanation(repository: str, decision: Decision) -> Explanation:
    return Explanation(
        repository=repository,
        ref=decision.ref,
        commit=decision.commit,
        target=decision.target,
        wanted=decision.wanted and decision.target != "",
        rule=decision.rule,
        reason=decision.reason,
    )
