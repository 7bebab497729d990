"""Repairs are counted for ever, and the newest are kept to be looked at."""

from __future__ import annotations

import re
from pathlib import Path

from dispatcher.domain.repairs import Kind, Repair
from dispatcher.ledger import Keys, Repairs, Retention, Store, connect

OPERATIONS = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()


def repair(number: int, kind: Kind = Kind.EXPIRED_LEASE) -> Repair:
    return Repair(kind=kind, target="shop", what=f"the {number}th")


def test_repairs_are_counted_by_kind_and_dated_by_redis(store: Store) -> None:
    repairs, before = Repairs(store), store.now()

    repairs.note([repair(1), repair(2), repair(3, Kind.ORPHANED_POD)])

    counts = repairs.counts()
    assert (counts[Kind.EXPIRED_LEASE], counts[Kind.ORPHANED_POD], counts[Kind.ORPHANED_JOB]) == (
        2,
        1,
        0,
    )
    newest = repairs.newest()
    assert {each.what for each in newest} == {"the 1th", "the 2th", "the 3th"}
    assert all(before <= each.at <= store.now() for each in newest)


def test_only_the_newest_are_kept_and_all_are_counted(keys: Keys, redis_url: str) -> None:
    with connect(redis_url) as client:
        repairs = Repairs(Store(client, keys, Retention(repairs=3)))

        for number in range(5):
            repairs.note([repair(number)])

        assert [each.what for each in repairs.newest()] == ["the 4th", "the 3th", "the 2th"]
        assert repairs.counts()[Kind.EXPIRED_LEASE] == 5


def test_nothing_to_note_costs_nothing(store: Store) -> None:
    Repairs(store).note([])

    assert Repairs(store).newest() == []


def test_every_kind_is_documented() -> None:
    section = OPERATIONS.partition("## Repairs")[2].partition("\n## ")[0]

    assert re.findall(r"^- `([\w-]+)`: ", section, re.MULTILINE) == [str(kind) for kind in Kind]
