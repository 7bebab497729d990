"""Connections of web's server."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dispatcher.metrics.registry import Registry, Samples

NAMES = ("connections_open", "connections_refused_total")


def add_connections(registry: Registry, counts: Callable[[], tuple[int, int]]) -> None:
    """`counts` returns how many are open, and how many were refused for lack of room."""

    def read() -> Mapping[str, Samples]:
        return {name: {(): float(count)} for name, count in zip(NAMES, counts(), strict=True)}

    registry.collect(NAMES, read)
