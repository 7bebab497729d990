from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from dispatcher.local.cluster.apimachinery.errors import ExpiredError
from dispatcher.local.cluster.apimachinery.resources import CONFIG_MAPS, JOBS
from dispatcher.local.cluster.apimachinery.selectors import Selector
from dispatcher.local.cluster.apiserver.watch import visible
from dispatcher.local.cluster.storage.changes import Change, ChangeType
from dispatcher.local.cluster.storage.database import Database
from dispatcher.local.cluster.storage.store import Store

utc_now = partial(datetime.now, UTC)


def an_object(name: str, label: str = "", owner: str = "") -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "home", "uid": name}
    metadata["labels"] = {"app": label}
    if owner:
        metadata["ownerReferences"] = [{"uid": owner}]
    return {"metadata": metadata}


@pytest.fixture
def database() -> Iterator[Database]:
    with closing(Database()) as database:
        yield database


def test_every_write_has_a_version_of_its_own(database: Database) -> None:
    store = Store(database, utc_now)
    first = store.put(JOBS, an_object("a"))
    second = store.put(CONFIG_MAPS, an_object("a"))
    last = store.remove(JOBS, "home", "a")
    versions = [int(each["metadata"]["resourceVersion"]) for each in (first, second, last)]
    assert versions == sorted(set(versions))
    assert store.version == versions[-1]


def test_changes_are_kept_per_kind_and_for_a_while(database: Database) -> None:
    store = Store(database, utc_now, window=2)
    start = store.version
    for name in ("a", "b"):
        store.put(JOBS, an_object(name))
    assert [change.object["metadata"]["name"] for change in store.changes_since(JOBS, start)] == [
        "a",
        "b",
    ]
    store.put(JOBS, an_object("c"))
    with pytest.raises(ExpiredError):
        store.changes_since(JOBS, start)
    assert store.changes_since(CONFIG_MAPS, start) == []


def test_the_state_at_a_version_can_be_listed_as_long_as_its_changes_are_kept(
    database: Database,
) -> None:
    store = Store(database, utc_now)
    store.put(JOBS, an_object("a", "old"))
    store.put(JOBS, an_object("b"))
    then = store.version
    store.put(JOBS, an_object("a", "new"))
    store.remove(JOBS, "home", "b")
    store.put(JOBS, an_object("c"))
    found = store.all(JOBS, "home", then)
    assert [each["metadata"]["name"] for each in found] == ["a", "b"]
    assert found[0]["metadata"]["labels"] == {"app": "old"}
    store.compact()
    with pytest.raises(ExpiredError):
        store.all(JOBS, "home", then)
    assert len(store.all(JOBS, "home", store.version)) == 2


def test_listeners_hear_of_everything_that_is_there(database: Database) -> None:
    store, heard = Store(database, utc_now), list[Change]()
    store.put(JOBS, an_object("a"))
    store.listen(heard.append)
    store.replay()
    assert [(each.type, each.object["metadata"]["name"]) for each in heard] == [("ADDED", "a")]


def test_dependents_are_found_by_their_owner(database: Database) -> None:
    store = Store(database, utc_now)
    store.put(CONFIG_MAPS, an_object("a", owner="1"))
    store.put(JOBS, an_object("b", owner="1"))
    assert len(store.dependents("1")) == 2
    store.put(JOBS, an_object("b"))
    store.remove(CONFIG_MAPS, "home", "a")
    assert store.dependents("1") == []


SHOP = Selector.parse("app=shop", "", JOBS)


@pytest.mark.parametrize(
    ("before", "after", "seen"),
    [
        ("docs", "shop", ChangeType.ADDED),
        ("shop", "shop", ChangeType.MODIFIED),
        ("shop", "docs", ChangeType.DELETED),
        ("docs", "docs", None),
    ],
)
def test_a_change_is_seen_through_the_selector(
    before: str, after: str, seen: ChangeType | None
) -> None:
    old, new = an_object("a", before), an_object("a", after)
    change = Change(9, ChangeType.MODIFIED, JOBS, new, old)
    found = visible(change, "home", SHOP)
    assert (found[0] if found else None) == seen


def test_what_no_longer_matches_is_shown_as_it_was_at_the_version_of_the_change() -> None:
    change = Change(9, ChangeType.MODIFIED, JOBS, an_object("a", "docs"), an_object("a", "shop"))
    found = visible(change, "", SHOP)
    assert found is not None
    assert found[1]["metadata"]["labels"] == {"app": "shop"}
    assert found[1]["metadata"]["resourceVersion"] == "9"
