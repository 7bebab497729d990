"""What holds a target up, in words."""

from __future__ import annotations

import pytest

from dispatcher.domain.pause import Paused
from dispatcher.domain.trouble import (
    UNTAKEN_AFTER,
    Trouble,
    TroubleKind,
    pause_trouble,
    trouble_of,
)

NOW = 1_700_000_000_000
DAY = 86_400


@pytest.mark.parametrize(
    ("held_up", "waits_for", "trouble"),
    [
        ("", None, None),
        ("", UNTAKEN_AFTER - 1, None),
        ("", UNTAKEN_AFTER, Trouble(TroubleKind.UNTAKEN, "no worker has taken it up for 20s")),
        ("no quota", None, Trouble(TroubleKind.HELD_UP, "no quota")),
        ("no quota", 5, Trouble(TroubleKind.HELD_UP, "no quota")),
        ("no quota", 90_500, Trouble(TroubleKind.UNTAKEN, "no worker has taken it up for 1m30s")),
    ],
)
def test_what_no_worker_looks_at_matters_more_than_what_one_said(
    held_up: str, waits_for: int | None, trouble: Trouble | None
) -> None:
    woken = NOW - waits_for if waits_for is not None else 0

    assert trouble_of(held_up, woken, NOW) == trouble


@pytest.mark.parametrize(
    ("ago", "remind_after", "text"),
    [
        (DAY - 1, DAY, None),
        (DAY, DAY, "paused for 1d by ann: migration"),
        (3 * DAY + 3_725, DAY, "paused for 3d1h by ann: migration"),
        (3 * DAY, 0, None),
    ],
)
def test_a_pause_is_a_trouble_once_somebody_may_have_forgotten_it(
    ago: int, remind_after: int, text: str | None
) -> None:
    trouble = pause_trouble(Paused("ann", "migration", NOW - ago * 1000), remind_after, NOW)

    assert trouble == (Trouble(TroubleKind.PAUSED, text) if text else None)


def test_what_is_not_paused_has_no_such_trouble() -> None:
    assert pause_trouble(None, DAY, NOW) is None
