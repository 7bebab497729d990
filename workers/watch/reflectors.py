"""The running reflectors and their events; events of stopped reflectors are dropped.

A reflector may stop while its LIST is still running. That list is older than the one of the reflector after it,
whatever its resourceVersion.
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
    """What is needed of `workers.watch.reflector.Reflector`."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


MakeReflector = Callable[[str, str, Callable[[ReflectorEvent], None]], Runnable]
"""Kind, namespace and a callback for its events → a reflector that is not started yet."""


class ReflectorSet:
    """The reflectors of one leader, by namespace. Each has its own generation, which its events carry."""

    def __init__(self, make: MakeReflector) -> None:
        self._make = make
        self._generations = count(1)
        self._running: dict[str, dict[int, Runnable]] = {}
        self._events: queue.Queue[tuple[int, ReflectorEvent]] = queue.Queue()

    @property
    def namespaces(self) -> set[str]:
        """The namespaces that are followed; "" stands for all."""
        return set(self._running)

    def follow(self, namespace: str) -> None:
        """Starts reflectors of its Jobs and of its Pods, each with a LIST that begins now."""
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
        """Stops all reflectors and drops their events."""
        for namespace in self.namespaces:
            self.leave(namespace)
        self._events = queue.Queue()

    def take(self, seconds: float, most: int) -> list[ReflectorEvent]:
        """At most `most` events of running reflectors, in order; waits so many seconds for the first."""
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
