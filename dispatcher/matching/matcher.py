"""Decides which targets want a push, with the reason that an operator reads.

Pure. Costs one look-up by repository plus the rules of that repository's targets, however many other
targets there are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Protocol

from dispatcher.domain.decision import Decision, Rule
from dispatcher.domain.push import Push
from dispatcher.domain.refs import TAGS, short_ref, stream_of
from dispatcher.domain.repositories import normalize_repository
from dispatcher.matching.globs import Rules
from dispatcher.matching.tags import tag_rules, version_hint

MERGE_QUEUE = "gh-readonly-queue/"
"""Prefix of the branches that GitHub's merge queue pushes, for merges that may never happen."""

SKIP = re.compile(r"\[(?:skip ci|ci skip|skip deploy)\]", re.IGNORECASE)


UNKNOWN_FILES = "the changed files are unknown, so the path filter does not apply"


class Target(Protocol):
    """The parts of a target that matching reads."""

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


class Matcher:
    """Built once for a configuration. Raises UnusableRepository for a target with an unusable URL."""

    def __init__(self, targets: Iterable[Target]) -> None:
        filters: defaultdict[str, list[tuple[int, _Filter]]] = defaultdict(list)
        for place, target in enumerate(targets):
            filters[normalize_repository(target.repository)].append((place, _Filter(target)))
        self._filters = dict(filters)

    def match(self, push: Push, addresses: Iterable[str]) -> tuple[Decision, ...]:
        """One decision for every target whose repository is one of `addresses`, in the targets' order.

        `addresses` are those of the push's addresses that its hook may speak for.
        """
        return tuple(each.decide(push) for each in self._of(addresses))

    def targets_of(self, addresses: Iterable[str]) -> tuple[str, ...]:
        """The names of the targets with one of these repository identities."""
        return tuple(each.name for each in self._of(addresses))

    def _of(self, addresses: Iterable[str]) -> list[_Filter]:
        found = [each for at in dict.fromkeys(addresses) for each in self._filters.get(at, ())]
        return [each for _, each in sorted(found, key=itemgetter(0))]


def follows(target: Target, ref: str) -> tuple[bool, str]:
    """Whether the target follows this branch or tag, given its full name, and why."""
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
            return Decision.on(push, self.name, rule, ref)
        if push.deleted:
            reason = f"{_kind(push.ref)} deleted: nothing to deploy"
            return Decision.on(push, self.name, Rule.DELETION, reason)
        rule, reason, unsure = self._content(push)
        both = f"{ref}; {reason}" if not rule and reason else reason or ref
        return Decision.on(push, self.name, rule, both, unsure)

    def follows(self, ref: str) -> tuple[Rule | None, str]:
        return self._tag(short_ref(ref)) if _kind(ref) == "tag" else self._branch(short_ref(ref))

    def _tag(self, name: str) -> tuple[Rule | None, str]:
        if not self._tags:
            return Rule.TAGS, f"tag {name}: the target follows no tags"
        wanted, judgement = self._tags.judge(name)
        if wanted:
            return None, f"tag {judgement}"
        hint = version_hint(self._tags.patterns, name)
        return Rule.TAGS, f"tag {judgement}: {hint}" if hint else f"tag {judgement}"

    def _branch(self, name: str) -> tuple[Rule | None, str]:
        if not self._branches:
            return Rule.BRANCHES, f"branch {name}: the target follows no branches"
        wanted, judgement = self._branches.judge(name)
        if wanted and name.startswith(MERGE_QUEUE) and not self._queue.wants(name):
            named = f"only by patterns that begin with {MERGE_QUEUE}"
            return Rule.MERGE_QUEUE, f"branch {name}: a merge queue's branches are followed {named}"
        return None if wanted else Rule.BRANCHES, f"branch {judgement}"

    def _content(self, push: Push) -> tuple[Rule | None, str, str]:
        """The rule that filters it (None for none), the reason, and why a filter could not decide."""
        skip = SKIP.search(push.message) or SKIP.search(push.title)
        if skip and self._skip_markers:
            return Rule.SKIP_MARKERS, f"the commit's message says {skip[0]}", ""
        if not self._paths or push.stream == TAGS:
            return None, "", ""
        if push.paths is None:
            return None, UNKNOWN_FILES, UNKNOWN_FILES
        for path in push.paths:
            if self._paths.wants(path):
                return None, f"{_shown(path)} matches {self._paths}", ""
        if push.maybe_renamed:
            unsure = _renamed(push.maybe_renamed[0])
            return None, unsure, unsure
        return Rule.PATHS, f"no changed file matches {self._paths}", ""


# Targets with the same list share its compiled rules: most targets use one of a few lists.


@lru_cache(maxsize=4096)
def _globs(patterns: tuple[str, ...]) -> Rules:
    return Rules(patterns)


@lru_cache(maxsize=4096)
def _queue(branches: tuple[str, ...]) -> Rules:
    return _globs(branches).with_prefix(MERGE_QUEUE)


@lru_cache(maxsize=4096)
def _tags(patterns: tuple[str, ...]) -> Rules:
    return tag_rules(patterns)


def _kind(ref: str) -> str:
    return "tag" if stream_of(ref) == TAGS else "branch"


def _renamed(path: str) -> str:
    return (
        f"{_shown(path)} is new, or renamed from a file that the host does not list, so the path "
        "filter does not apply"
    )


def _shown(path: str) -> str:
    """A path for display, sanitized and shortened: Git allows any character and any length."""
    clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in path)
    return clean if len(clean) <= 100 else f"…{clean[-99:]}"
