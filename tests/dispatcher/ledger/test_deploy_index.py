"""The index of all targets' deploys."""

from __future__ import annotations

import pytest

from dispatcher.domain.spec import Policies, Spec
from dispatcher.ledger import DeployIndex, Renaming, Retention, Store
from dispatcher.ledger.retention import Happened
from tests.dispatcher.ledger.helpers import push, submit


@pytest.fixture
def index(store: Store) -> DeployIndex:
    return DeployIndex(store)


def names(index: DeployIndex, position: str = "", most: int = 100, **times: int) -> list[str]:
    return [f"{e.target}/{e.number}" for e in index.before(position, most, **times)]


def test_deploys_come_newest_first_however_fast_they_were_created(
    store: Store, index: DeployIndex
) -> None:
    targets = [f"t{number}" for number in range(12)]
    for target in targets:
        submit(store, push("0", "a"), target=target)

    newest = [f"{target}/1" for target in reversed(targets)]
    assert names(index) == newest
    fifth = index.before("", 5)[-1].position
    assert names(index, fifth) == newest[5:]
    deploys = index.deploys(index.before("", 2))
    assert [deploy.name for deploy in deploys if deploy] == newest[:2]


def test_what_is_merged_into_a_deploy_moves_it_not(store: Store, index: DeployIndex) -> None:
    submit(store, push("0", "a"))
    submit(store, push("0", "a"), target="other")
    submit(store, push("a", "b"))

    assert names(index) == ["other/1", "shop/1"]


def test_times_bound_what_is_found(store: Store, index: DeployIndex) -> None:
    submit(store, push("0", "a"))
    (only,) = index.before("", 1)
    at = int(float(only.position))

    assert names(index, since=at, until=at + 1_000) == ["shop/1"]
    assert names(index, since=at + 1_000) == []
    assert names(index, until=at) == []


def test_it_is_bounded(store: Store, index: DeployIndex) -> None:
    store.retention = Retention(happened=Happened(events=10, lines=6, deploys=3))
    for number in range(5):
        submit(store, push("0", "a"), target=f"t{number}")

    assert names(index) == ["t4/1", "t3/1", "t2/1"]


def test_a_renamed_target_stands_there_under_its_name(store: Store, index: DeployIndex) -> None:
    submit(store, push("0", "a"))
    submit(store, push("0", "a"), target="other")
    submit(store, push("0", "b", ref="refs/heads/b"), target="web-shop")
    spec = Spec(
        target="web-shop",
        repository="r",
        namespace="ns",
        policies=Policies(),
        manifest={},
        digest="d",
    )

    Renaming(store).rename("shop", spec)

    assert names(index) == ["web-shop/2", "other/1", "web-shop/1"]
    assert None not in index.deploys(index.before("", 10))
