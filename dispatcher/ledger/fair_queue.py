"""The queue of pushes to record: takes one push of each hook in turn, and within a hook one of each repository.

So a delivery of a thousand refs does not hold up one of a single ref that comes after it, and no sender can
make others wait by sending more. Keeps the order of arrival within a repository, since it decides where the
chain of commits says nothing. Pure, and not thread-safe.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Entry(Generic[T]):
    parts: Iterator[T]
    left: int


class FairQueue(Generic[T]):
    """After its turn, a hook or a repository goes to the end of the line."""

    def __init__(self) -> None:
        self._hooks: OrderedDict[str, OrderedDict[str, deque[_Entry[T]]]] = OrderedDict()
        self._waiting: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._hooks)

    def add(self, hook: str, repository: str, parts: Iterator[T], size: int) -> None:
        """Adds the parts that the iterator yields: at most `size`, perhaps fewer."""
        line = self._hooks.setdefault(hook, OrderedDict()).setdefault(repository, deque())
        line.append(_Entry(parts, size))
        self._waiting[hook] += size

    def waiting(self, hook: str) -> int:
        """How many parts of that hook wait."""
        return self._waiting[hook]

    def share(self, hook: str, of: int) -> int:
        """The share of each hook in this much room, if `hook` waits too."""
        return max(1, of // len({*self._hooks, hook}))

    def take(self) -> T | None:
        """Removes and returns the next part; None if nothing waits."""
        while self._hooks:
            hook, repositories = self._hooks.popitem(last=False)
            repository, line = repositories.popitem(last=False)
            part = self._next(hook, line)
            if line:
                repositories[repository] = line
            if repositories:
                self._hooks[hook] = repositories
            if part is not None:
                return part
        return None

    def _next(self, hook: str, line: deque[_Entry[T]]) -> T | None:
        while line:
            entry = line[0]
            part = next(entry.parts, None)
            used = entry.left if part is None else 1
            entry.left -= used
            self._waiting[hook] -= used
            self._waiting = +self._waiting
            if not entry.left:
                line.popleft()
            if part is not None:
                return part
        return None
