"""Which targets want a push, and why: the answer that an operator reads.

Purely computational. A push costs a look-up by repository and the rules of that repository's
targets, however many other targets there are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from dispatcher.globs import Rules
from dispatcher.model import TAGS, Push, short_ref, stream_of
from dispatcher.repositories import normalize_repository

MERGE_QUEUE = "gh-readonly-queue/"
"""GitHub's merge queue pushes branches under this prefix, for merges that may never come."""

_PLURAL = {"branch": "branches", "tag": "tags"}

SKIP = re.compile(r"\[(?:skip ci|ci skip|skip deploy)\]", re.IGNORECASE)


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


@dataclass(frozen=True, slots=True)
class Decision:
    """What one target makes of one push."""

    target: str
    wanted: bool
    reason: str
    follows: bool
    """The target follows this branch or tag: its head moves, also where nothing is deployed."""
    deletion: bool = False
    """A branch or tag that the target follows is gone."""


class Matcher:
    """Built once for a configuration; raises UnusableRepository where a target has no usable one."""

    def __init__(self, targets: Iterable[Target]) -> None:
        filters: defaultdict[str, list[_Filter]] = defaultdict(list)
        for target in targets:
            filters[normalize_repository(target.repository)].append(_Filter(target))
        self._filters = dict(filters)

    def match(self, push: Push) -> tuple[Decision, ...]:
        """One decision for every target of the push's repository, in the targets' order."""
        return tuple(each.decide(push) for each in self._filters.get(push.repository, ()))


def follows(target: Target, ref: str) -> tuple[bool, str]:
    """Whether the target follows this branch or tag, by its full name; and in words."""
    return _Filter(target).follows(ref)


class _Filter:
    """One target's rules, compiled."""

    __slots__ = ("_branches", "_name", "_paths", "_queue", "_tags")

    def __init__(self, target: Target) -> None:
        self._name = target.name
        self._branches = Rules(target.branches)
        self._tags = Rules(target.tags)
        self._queue = self._branches.only(MERGE_QUEUE)
        self._paths = Rules(target.paths)

    def decide(self, push: Push) -> Decision:
        follows, ref = self.follows(push.ref)
        if not follows:
            return Decision(self._name, wanted=False, reason=ref, follows=False)
        if push.deleted:
            reason = f"{_kind(push.ref)} deleted: nothing to deploy"
            return Decision(self._name, wanted=False, reason=reason, follows=True, deletion=True)
        wanted, reason = self._content(push)
        both = f"{ref}; {reason}" if wanted and reason else reason or ref
        return Decision(self._name, wanted=wanted, reason=both, follows=True)

    def follows(self, ref: str) -> tuple[bool, str]:
        kind, name = _kind(ref), short_ref(ref)
        rules = self._tags if kind == "tag" else self._branches
        if not rules:
            return False, f"{kind} {name}: the target follows no {_PLURAL[kind]}"
        if not rules.wants(name):
            return False, f"{kind} {name} is none of {rules}"
        if kind == "branch" and name.startswith(MERGE_QUEUE) and not self._queue.wants(name):
            return False, f"branch {name}: a merge queue's branches are followed only by that name"
        pattern = rules.deciding(name)
        exact = pattern in (None, name)
        return True, f"{kind} {name}" if exact else f"{kind} {name} is one of {pattern}"

    def _content(self, push: Push) -> tuple[bool, str]:
        skip = SKIP.search(push.message) or SKIP.search(push.title)
        if skip:
            return False, f"the commit's message says {skip[0]}"
        if not self._paths or push.stream == TAGS:
            return True, ""
        if push.paths is None:
            return True, "which files changed is not known, so the path filter lets it through"
        for path in push.paths:
            if self._paths.wants(path):
                return True, f"{_shown(path)} is one of {self._paths}"
        return False, f"no changed file is one of {self._paths}"


def _kind(ref: str) -> str:
    return "tag" if stream_of(ref) == TAGS else "branch"


def _shown(path: str) -> str:
    """A path for people: Git allows any character in it, and any length."""
    clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in path)
    return clean if len(clean) <= 100 else f"…{clean[-99:]}"


def allowed(identity: str, globs: Sequence[str]) -> bool:
    """Whether a hook with these `repositories` speaks for the repository; without globs, for none.

    Case doesn't count. Only a glob that matches lets a repository in: a list of nothing but
    exceptions lets in none.
    """
    return _repository_rules(tuple(globs)).wants(identity.lower())


@lru_cache(maxsize=1024)
def _repository_rules(globs: tuple[str, ...]) -> Rules:
    return Rules((glob.lower() for glob in globs), default=False)
