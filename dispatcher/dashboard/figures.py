"""Figures as numbers for SVG: spark lines, phase bars. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from dispatcher.domain.deploy import State
from dispatcher.ledger import RecentDeploy

BAR, GAP, HEIGHT = 6, 2, 20
"""Width of a bar of a spark line, the gap behind it, and the height of the highest."""
LONGEST = 3600.0
"""Seconds from which on a bar has the full height."""


class Bar(NamedTuple):
    x: int
    y: int
    height: int
    state: State
    number: int


def spark(deploys: Sequence[RecentDeploy]) -> list[Bar]:
    """A bar for each deploy, oldest first: how long it ran, on a logarithmic scale."""
    return [_bar(at, deploy) for at, deploy in enumerate(deploys)]


def _bar(at: int, deploy: RecentDeploy) -> Bar:
    seconds = max(0, deploy.ended_at - deploy.started_at) / 1000 if deploy.started_at else 0.0
    share = min(1.0, math.log1p(seconds) / math.log1p(LONGEST))
    height = max(5, round(share * HEIGHT))
    return Bar(at * (BAR + GAP), HEIGHT - height, height, deploy.state, deploy.number)
