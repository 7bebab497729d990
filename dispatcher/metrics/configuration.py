"""What a process has loaded of the configuration, and whether it has refused a newer one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from dispatcher.config.reloading import Reloader
from dispatcher.metrics.registry import Registry, Samples

NAMES = ("config_load_timestamp_seconds", "config_last_load_successful", "config_fingerprint")


DIGITS = 12
"""Of the digest: what a float holds exactly, with room to spare."""


def add_configuration(
    registry: Registry, source: Reloader, clock: Callable[[], float] = time.time
) -> None:
    def read() -> Mapping[str, Samples]:
        loaded = source.loaded()
        fingerprint = int(loaded.digest[:DIGITS], 16)
        values = (clock() - loaded.age / 1000, not loaded.refused_for, fingerprint)
        return {name: {(): float(value)} for name, value in zip(NAMES, values, strict=True)}

    registry.collect(NAMES, read)
