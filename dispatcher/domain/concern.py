"""What of a target concerns whoever is on call, the worst first. Values, and rules over them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dispatcher.domain.deploy import State
from dispatcher.domain.pause import Paused
from dispatcher.domain.trouble import Trouble


class Concern(StrEnum):
    TROUBLE = "trouble"  # something holds it up
    FAILED = "failed"  # its newest deploy that ran to an end failed, or was lost
    PAUSED = "paused"  # somebody paused it, or everything
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class TargetSummary:
    """What the ledger knows of a target without reading its deploys."""

    name: str
    trouble: Trouble | None
    outcome: State | None
    """Of its newest deploy that ran to an end."""
    paused: Paused | None

    @property
    def concerns(self) -> tuple[Concern, ...]:
        """The worst first; at least one."""
        applies = {
            Concern.TROUBLE: self.trouble is not None,
            Concern.FAILED: self.outcome in (State.FAILED, State.LOST),
            Concern.PAUSED: self.paused is not None,
        }
        return tuple(concern for concern, there in applies.items() if there) or (Concern.NONE,)
