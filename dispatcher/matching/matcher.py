"""Which targets want a push, and why: the answer that an operator reads.

Pure. A push costs a look-up by repository and the rules of that repository's
targets, however many other targets there are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from operator import itemgetter
from typing import Protocol

from dispatcher.domain.push import Push
from dispatcher.domain.refs import short_ref
from dispatcher.domain.repositories import normalize_repository
from dispatcher.domain.stream import TAGS, stream_of
from dispatcher.matching.globs import Rules
from dispatcher.matching.tags import tag_rules, version_hint

MERGE_QUEUE = "gh-readonly-queue/"
"""GitHub's merge queue pushes branches under this prefix, for merges that may never come."""

SKIP = re.compile(r"\[(?:skip ci|ci skip|skip deploy)\]", re.IGNORECASE)


UNKNOWN_FILES = "which files changed is not known, so the path filter lets it through"


class Rule(StrEnum):
    """What turns a push away. Those that are a setting have its name."""

    REPOSITORIES = "repositories"  # of the hook, which does not speak for the repository
    BRANCHES = "branches"
    TAGS = "tags"
    MERGE_QUEUE = "merge-queue"  # its branches have to be named
    DELETION = "deletion"  # the branch or tag is gone
    SKIP_MARKERS = "skip_markers"
    PATHS = "paths"


_NOT_FOLLOWED = (Rule.BRANCHES, Rule.TAGS, Rule.MERGE_QUEUE)


class Target(Protocol):
    """What matching needs to know of a target."""

    @property
    def name(self) -> str: ...
    @property
    def repository(self) -> str: ...
    @property
    def branches(self) -> Sequence[str]: ...
    @property
    def tags(self) -> Sequence[str]: ...
    @property
    def paths(self) -> Sequence[str]: ...
    @property
    def skip_markers(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Decision:
    """What one target makes of one push."""

    target: str
    rule: Rule | None
    """What turned it away; None where the target wants it."""
    reason: str
    unsure: str = ""
    """Why it is let through although it is not known whether the target wants it; a part of the reason."""

    @property
    def wanted(self) -> bool:
        return self.rule is None

    @property
    def follows(self) -> bool:
        """The target follows this branch or tag: its head moves, also where nothing is deployed."""
        return self.rule not in _NOT_FOLLOWED

    @property
    def deletion(self) -> bool:
        """A branch or tag that the target follows is gone."""
        return self.rule is Rule.DELETION

    @property
    def filtered(self) -> str:
        """Why the target does not want it; "" for a deletion too, about which the ledger has its own words."""
        return "" if self.wanted or self.deletion else self.reason


class Matcher:
    """Built once for a configuration; raises UnusableRepository where a target has no usable one."""

    def __init__(self, targets: Iterable[Target]) -> None:
        filters: defaultdict[str, list[tuple[int, _Filter]]] = defaultdict(list)
        for place, target in enumerate(targets):
            filters[normalize_repository(target.repository)].append((place, _Filter(target)))
        self._filters = dict(filters)

    def match(self, push: Push, addresses: Iterable[str]) -> tuple[Decision, ...]:
        """One decision for every target whose repository is one of `addresses`, in the targets' order.

        They are those of the push's own addresses that its hook may speak for.
        """
        return tuple(each.decide(push) for each in self._of(addresses))

    def targets_of(self, addresses: Iterable[str]) -> tuple[str, ...]:
        """Their names, for a repository's identities."""
        return tuple(each.name for each in self._of(addresses))

    def _of(self, addresses: Iterable[str]) -> list[_Filter]:
        found = [each for at in dict.fromkeys(addresses) for each in self._filters.get(at, ())]
        return [each for _, each in sorted(found, key=itemgetter(0))]


def follows(target: Target, ref: str) -> tuple[bool, str]:
    """Whether the target follows this branch or tag, by its full name; and in words."""
    rule, reason = _Filter(target).follows(ref)
    return rule is None, reason


class _Filter:
    """One target's rules, compiled."""

    __slots__ = ("_branches", "_paths", "_queue", "_skip_markers", "_tags", "name")

    def __init__(self, target: Target) -> None:
        self.name = target.name
        branches = tuple(target.branches)
        self._branches, self._queue = _globs(branches), _queue(branches)
        self._tags = _tags(tuple(target.tags))
        self._paths = _globs(tuple(target.paths))
        self._skip_markers = target.skip_markers

    def decide(self, push: Push) -> Decision:
        rule, ref = self.follows(push.ref)
        if rule:
            return Decision(self.name, rule, ref)
        if push.deleted:
            reason = f"{_kind(push.ref)} deleted: nothing to deploy"
            return Decision(self.name, Rule.DELETION, reason)
        rule, reason, unsure = self._content(push)
        both = f"{ref}; {reason}" if not rule and reason else reason or ref
        return Decision(self.name, rule, both, unsure)

    def follows(self, ref: str) -> tuple[Rule | None, str]:
        return self._tag(short_ref(ref)) if _kind(ref) == "tag" else self._branch(short_ref(ref))

    def _tag(self, name: str) -> tuple[Rule | None, str]:
        if not self._tags:
            return Rule.TAGS, f"tag {name}: the target follows no tags"
        wanted, said = self._tags.judge(name)
        if wanted:
            return None, f"tag {said}"
        hint = version_hint(self._tags.patterns, name)
        return Rule.TAGS, f"tag {said}: {hint}" if hint else f"tag {said}"

    def _branch(self, name: str) -> tuple[Rule | None, str]:
        if not self._branches:
            return Rule.BRANCHES, f"branch {name}: the target follows no branches"
        wanted, said = self._branches.judge(name)
        if wanted and name.startswith(MERGE_QUEUE) and not self._queue.wants(name):
            named = f"only by patterns that begin with {MERGE_QUEUE}"
            return Rule.MERGE_QUEUE, f"branch {name}: a merge queue's branches are followed {named}"
        return None if wanted else Rule.BRANCHES, f"branch {said}"

    def _content(self, push: Push) -> tuple[Rule | None, str, str]:
        """The rule that turns it away, the reason, and what is not known."""
        skip = SKIP.search(push.message) or SKIP.search(push.title)
        if skip and self._skip_markers:
            return Rule.SKIP_MARKERS, f"the commit's message says {skip[0]}", ""
        if not self._paths or push.stream == TAGS:
            return None, "", ""
        if push.paths is None:
            return None, UNKNOWN_FILES, UNKNOWN_FILES
        for path in push.paths:
            if self._paths.wants(path):
                return None, f"{_shown(path)} is one of {self._paths}", ""
        if push.maybe_renamed:
            unsure = _renamed(push.maybe_renamed[0])
            return None, unsure, unsure
        return Rule.PATHS, f"no changed file is one of {self._paths}", ""


# Targets with the same list share its rules: most have one of a few.


@lru_cache(maxsize=4096)
def _globs(patterns: tuple[str, ...]) -> Rules:
    return Rules(patterns)


@lru_cache(maxsize=4096)
def _queue(branches: tuple[str, ...]) -> Rules:
    return _globs(branches).only(MERGE_QUEUE)


@lru_cache(maxsize=4096)
def _tags(patterns: tuple[str, ...]) -> Rules:
    return tag_rules(patterns)


def _kind(ref: str) -> str:
    return "tag" if stream_of(ref) == TAGS else "branch"


def _renamed(path: str) -> str:
    return (
        f"{_shown(path)} is new, or was renamed from what the host does not list, so the path filter "
        "lets it through"
    )


def _shown(path: str) -> str:
    """A path for people: Git allows any character in it, and any length."""
    clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in path)
    return clean if len(clean) <= 100 else f"…{clean[-99:]}"
