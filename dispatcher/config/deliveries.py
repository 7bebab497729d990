"""The section `deliveries`: how many deliveries the delivery log keeps, and for how long."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dispatcher.config.jobs import Settings
from dispatcher.config.values import DAY, MIB, MINUTE, Whole, duration, size


class DeliverySettings(Settings):
    """The section `deliveries`. Past any of these limits the delivery log drops its oldest entries."""

    keep: Annotated[Whole, Field(ge=0, le=10_000)] = 1000
    # At most as long as the ledger remembers branches: a replay must know what was pushed since.
    keep_for: Annotated[int, duration(MINUTE, 30 * DAY)] = 3 * DAY
    max_bytes: Annotated[int, size(MIB, 1024 * MIB)] = 64 * MIB
