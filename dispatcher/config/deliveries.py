"""How much of what Git hosts deliver is kept, to be looked at and replayed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dispatcher.config.jobs import Settings
from dispatcher.config.values import DAY, MIB, MINUTE, Whole, duration, size


class DeliverySettings(Settings):
    """The section `deliveries`. What goes beyond one of the bounds makes room, the oldest first."""

    keep: Annotated[Whole, Field(ge=0, le=10_000)] = 1000
    # Not longer than branches are remembered: a replay has to know what was pushed since.
    keep_for: Annotated[int, duration(MINUTE, 30 * DAY)] = 3 * DAY
    max_bytes: Annotated[int, size(MIB, 1024 * MIB)] = 64 * MIB
