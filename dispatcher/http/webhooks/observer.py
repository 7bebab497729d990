"""What becomes of deliveries, told to whoever counts it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol

from dispatcher.domain.outcome import Result


class DeliveryOutcome(StrEnum):
    """How an authenticated delivery was answered."""

    DEPLOYED = "deployed"  # 202: it changed something
    UNCHANGED = "unchanged"  # 200: no target wanted it, or had it already
    IGNORED = "ignored"  # 200: it is no push
    REJECTED = "rejected"  # 4xx: it cannot be parsed
    UNAVAILABLE = "unavailable"  # 503: the ledger did not record it in time


class DeliveryObserver(Protocol):
    """Its methods neither wait nor raise."""

    def delivered(self, hook: str, event: str, outcome: str, seconds: float) -> None: ...
    def pushed(self, hook: str, results: Iterable[Result]) -> None: ...
    def recorded(self, namespace: str, seconds: float) -> None: ...
    def rejected(self, hook: str, reason: str) -> None: ...


class Unobserved:
    """Counts nothing."""

    def delivered(self, hook: str, event: str, outcome: str, seconds: float) -> None:
        pass

    def pushed(self, hook: str, results: Iterable[Result]) -> None:
        pass

    def recorded(self, namespace: str, seconds: float) -> None:
        pass

    def rejected(self, hook: str, reason: str) -> None:
        pass
