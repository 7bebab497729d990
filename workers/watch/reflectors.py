"""The reflectors that run now, and their events. What a stopped reflector still delivers is dropped.

A reflector cannot be stopped at once: its LIST may be on its way. What it delivers then is older than what the
reflector after it lists, whatever its resourceVersion says.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Protocol

from workers.watch.reflector import ReflectorEvent

KINDS = ("job", "pod")


class Runnable(Protocol):
    """What is started and stopped: see `workers.watch.reflector.Reflector`."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


MakeReflector = Callable[[str, str, Callable[[ReflectorEvent], None]], Runnable]
"""Kind, namespace, and where it puts its events → a reflector that is yet to be started."""


class ReflectorSet:
    """Those of one leader, by namespace. Each has a generation of its own, which its events carry."""

    def __init__(self, make: MakeReflector) -> None:
        self._make = make
        self._generations = count(1)
        self._running: dict[str, dict[int, Runnable]] = {}
        self._events: queue.Queue[tuple[int, ReflectorEvent]] = queue.Queue()

    @property
    def namespaces(self) -> set[str]:
        """Those whose objects are watched; "" for all at once."""
        return set(self._running)

    def follow(self, namespace: str) -> None:
        """Its Jobs and its Pods, from a LIST of each that begins now."""
        reflectors = self._running[namespace] = {
            generation: self._make(kind, namespace, partial(self._put, generation))
            for kind, generation in zip(KINDS, self._generations, strict=False)
        }
        for reflector in reflectors.values():
            reflector.start()

    def leave(self, namespace: str) -> None:
        for reflector in self._running.pop(namespace).values():
            reflector.stop()

    def leave_all(self) -> None:
        """Their events that nobody has taken are dropped too."""
        for namespace in self.namespaces:
            self.leave(namespace)
        self._events = queue.Queue()

    def take(self, seconds: float, most: int) -> list[ReflectorEvent]:
        """The events of those that run, in order, `most` at the most; waits so many seconds for the first."""
        taken = []
        try:
            taken.append(
                self._events.get(timeout=seconds) if seconds else self._events.get_nowait()
            )
            while len(taken) < most:
                taken.append(self._events.get_nowait())
        except queue.Empty:
            pass
        current = {generation for reflectors in self._running.values() for generation in reflectors}
        return [event for generation, event in taken if generation in current]

    def _put(self, generation: int, event: ReflectorEvent) -> None:
        self._events.put((generation, event))
