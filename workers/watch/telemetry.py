"""What a watcher tells of itself, to whoever counts it."""

from __future__ import annotations

from typing import Protocol


class Telemetry(Protocol):
    """Its methods neither wait nor raise; any thread may call them.

    `kind` is `job` or `pod`; namespace "" is all.
    """

    def leading(self, leads: bool) -> None: ...
    def followed(self, namespace: str, kind: str) -> None: ...
    def listed(self, namespace: str, kind: str) -> None: ...
    def received(self, namespace: str, kind: str) -> None: ...
    def lost(self, namespace: str, kind: str) -> None: ...
    def ended(self, namespace: str, kind: str, reason: str) -> None: ...
    def left(self, namespace: str, kind: str) -> None: ...
    def cleaned(self, namespace: str, milliseconds: int) -> None: ...


class Unobserved:
    """Counts nothing."""

    def leading(self, leads: bool) -> None:
        pass

    def followed(self, namespace: str, kind: str) -> None:
        pass

    def listed(self, namespace: str, kind: str) -> None:
        pass

    def received(self, namespace: str, kind: str) -> None:
        pass

    def lost(self, namespace: str, kind: str) -> None:
        pass

    def ended(self, namespace: str, kind: str, reason: str) -> None:
        pass

    def left(self, namespace: str, kind: str) -> None:
        pass

    def cleaned(self, namespace: str, milliseconds: int) -> None:
        pass
