"""Which events a receiver wants. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from dispatcher.domain.event import Event
from dispatcher.domain.notification import name_of
from dispatcher.matching.globs import Rules


class Choice(Protocol):
    """A receiver's settings. An empty sequence stands for all."""

    @property
    def targets(self) -> Sequence[str]: ...
    @property
    def namespaces(self) -> Sequence[str]: ...
    @property
    def events(self) -> Sequence[str]: ...
    @property
    def causes(self) -> Sequence[str]: ...


def wants(choice: Choice, event: Event, target: str, namespace: str) -> bool:
    """Whether it wants the event. `target` is "" for one of all targets, which every receiver is concerned by;
    `namespace` is "" if it is unknown, and then the event counts."""
    return is_concerned(choice, target, namespace) and wants_kind(choice, event)


def is_concerned(choice: Choice, target: str, namespace: str) -> bool:
    """Whether it wants anything of the target."""
    return all(
        not name or _rules(tuple(globs)).wants(name)
        for name, globs in ((target, choice.targets), (namespace, choice.namespaces))
        if globs
    )


def wants_kind(choice: Choice, event: Event) -> bool:
    """Whether it wants such events, whatever target they are of."""
    if choice.events and name_of(event) not in choice.events:
        return False
    return not (choice.causes and event.cause and event.cause not in choice.causes)


@lru_cache(maxsize=1_000)
def _rules(globs: tuple[str, ...]) -> Rules:
    return Rules(globs)
