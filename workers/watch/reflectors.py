"""The feeds that are followed now, and what they tell. What a feed that was stopped still delivers is dropped.

A feed cannot be stopped at once: its LIST may be on its way when it is told to. What it puts in then is of a
time before the feed that follows it, whatever its resourceVersion says.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Protocol

from workers.watch.reflector import News

KINDS = ("job", "pod")


class Followed(Protocol):
    """A feed: see `workers.watch.reflector.Feed`."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


MakeFeed = Callable[[str, str, Callable[[News], None]], Followed]
"""Kind, namespace, and where it puts what it hears → a feed that is yet to be started."""


class Feeds:
    """Those of one time of leading, by namespace. Each has a generation of its own, which its news carry."""

    def __init__(self, make: MakeFeed) -> None:
        self._make = make
        self._generations = count(1)
        self._followed: dict[str, dict[int, Followed]] = {}
        self._told: queue.Queue[tuple[int, News]] = queue.Queue()

    @property
    def namespaces(self) -> set[str]:
        """Those that are followed; "" for all at once."""
        return set(self._followed)

    def follow(self, namespace: str) -> None:
        """Its Jobs and its Pods, from a LIST of each that begins now."""
        feeds = self._followed[namespace] = {
            generation: self._make(kind, namespace, partial(self._put, generation))
            for kind, generation in zip(KINDS, self._generations, strict=False)
        }
        for feed in feeds.values():
            feed.start()

    def leave(self, namespace: str) -> None:
        for feed in self._followed.pop(namespace).values():
            feed.stop()

    def leave_all(self) -> None:
        """What they have told and nobody has taken is void too."""
        for namespace in self.namespaces:
            self.leave(namespace)
        self._told = queue.Queue()

    def take(self, seconds: float, most: int) -> list[News]:
        """What those that are followed have told since, in order; waits for the first for so long."""
        taken = []
        try:
            taken.append(self._told.get(timeout=seconds) if seconds else self._told.get_nowait())
            while len(taken) < most:
                taken.append(self._told.get_nowait())
        except queue.Empty:
            pass
        current = {generation for feeds in self._followed.values() for generation in feeds}
        return [news for generation, news in taken if generation in current]

    def _put(self, generation: int, news: News) -> None:
        self._told.put((generation, news))
