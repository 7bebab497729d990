"""What is open of a target: kept by stream, so that a push costs the same however much waits, and bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from uuid import uuid4

import msgspec
import pytest

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.snapshot import Snapshot
from dispatcher.domain.spec import Policies, Spec
from dispatcher.ledger import (
    Observations,
    Operations,
    Publisher,
    Reader,
    Redeploy,
    Store,
    Targets,
)
from dispatcher.ledger.connection import texts
from dispatcher.ledger.reader import SHOWN
from tests.dispatcher.ledger.helpers import MAIN, a_submission, push, sha, submit
from tests.dispatcher.ledger.test_submit import leased, move, the_deploys

FEW, MANY = 10, 1000
"""Streams that are open."""


def branch(number: int) -> str:
    return f"refs/heads/b{number}"


def open_streams(store: Store, first: int, last: int) -> None:
    pushes = [push("0", f"new on {number}", ref=branch(number)) for number in range(first, last)]
    each = [a_submission(what) for what in pushes]
    store.scripts.run_many([one.call(store) for one in each])


def calls_of(store: Store, act: Callable[[], object]) -> Counter[str]:
    """How often Redis ran each command meanwhile, also within scripts."""

    def counted() -> Counter[str]:
        found = store.client.info("commandstats")
        return Counter({name: stats["calls"] for name, stats in found.items()})

    act()  # the scripts are loaded
    before = counted()
    act()
    return counted() - before


def pushes(store: Store) -> None:
    """What can come of one: a new deploy, a merged one, and the same once more."""
    name = uuid4().hex
    submit(store, push("0", name, ref=branch(0)), delivery=name)
    submit(store, push("0", name, ref=branch(0)), delivery=name)
    submit(store, push("0", name, ref=f"refs/heads/{name}"))
    submit(store, push(name, name + "2", ref=f"refs/heads/{name}"))


def redeploys(store: Store) -> None:
    Operations(store).redeploy(Redeploy(target="shop", request=uuid4().hex, ref=branch(1)))


def snapshots(store: Store) -> None:
    assert isinstance(Targets(store).acquire("shop", "a-token"), Snapshot)


def writes(store: Store) -> None:
    Targets(store).record(leased(store), "a-token")


def lists(store: Store) -> None:
    Reader(store).targets(["shop"])


@pytest.mark.parametrize("act", [pushes, redeploys, snapshots, writes, lists])
def test_the_number_of_calls_does_not_grow_with_what_is_open(
    store: Store, act: Callable[[Store], None]
) -> None:
    open_streams(store, 0, FEW)
    with_few = calls_of(store, lambda: act(store))

    open_streams(store, FEW, MANY)
    with_many = calls_of(store, lambda: act(store))

    assert with_many == with_few
    assert with_few.total() > 0


def test_of_what_waits_the_first_are_shown_and_all_are_counted(store: Store) -> None:
    open_streams(store, 0, MANY)
    seen = leased(store)
    runs = msgspec.structs.replace(seen.deploys[500], state=State.STARTING, attempt=1)
    Targets(store).record(seen, "a-token", deploys=[runs])

    (view,) = Reader(store).targets(["shop"])

    assert view.active is not None
    assert view.active.number == runs.number
    assert [deploy.number for deploy in view.waiting] == list(range(1, SHOWN + 1))
    assert view.waiting_count == MANY - 1


def test_a_push_reads_no_deploy_of_another_stream(store: Store) -> None:
    """Their rows may be as broken as they like."""
    open_streams(store, 0, FEW)
    store.client.hset(store.keys.deploys("shop"), mapping={str(n): "{" for n in range(2, FEW)})

    result = submit(store, push("new on 0", "b", ref=branch(0)))

    assert (result.outcome, result.deploy) == (Outcome.COALESCED, "shop/1")


def test_beyond_the_bound_a_push_is_rejected_and_the_reason_says_what_to_do(
    store: Store,
) -> None:
    open_streams(store, 0, 3)

    result = submit(store, push("0", "x", ref=branch(3)), most_open=3)

    assert (result.outcome, result.deploy) == (Outcome.REJECTED, "")
    assert "3 branches" in result.reason
    assert "redeploy shop --ref b3" in result.reason
    assert len(the_deploys(store)) == 3


def test_branches_that_are_open_already_are_not_bounded(store: Store) -> None:
    open_streams(store, 0, 3)

    result = submit(store, push("new on 1", "x", ref=branch(1)), most_open=3)

    assert result.outcome is Outcome.COALESCED


def test_what_was_rejected_moves_the_branch_and_can_be_redeployed(store: Store) -> None:
    open_streams(store, 0, 3)
    submit(store, push("0", "x", ref=branch(3)), most_open=3)
    submit(store, push("x", "y", ref=branch(3)), most_open=3)

    answer = Operations(store).redeploy(Redeploy(target="shop", request="r", ref=branch(3)))

    assert answer.outcome is Outcome.ACCEPTED
    assert the_deploys(store)[-1].commit == sha("y")
    stale = submit(store, push("0", "x", ref=branch(3)), most_open=10)
    assert stale.outcome is Outcome.STALE


def test_the_same_delivery_is_taken_once_there_is_room(store: Store) -> None:
    open_streams(store, 0, 3)
    first = submit(store, push("0", "x", ref=branch(3)), delivery="d", most_open=3)
    again = submit(store, push("0", "x", ref=branch(3)), delivery="d", most_open=3)
    Operations(store).cancel("shop", 1, "ann", "")

    later = submit(store, push("0", "x", ref=branch(3)), delivery="d", most_open=3)

    assert (first.outcome, again.outcome) == (Outcome.REJECTED, Outcome.REJECTED)
    assert (later.outcome, later.deploy) == (Outcome.ACCEPTED, "shop/4")


@pytest.mark.parametrize("tags", [False, True])
def test_an_end_makes_room(store: Store, tags: bool) -> None:
    ref = "refs/tags/v1" if tags else MAIN
    submit(store, push("0", "a", ref=ref))
    move(store, State.STARTING, State.RUNNING, State.SUCCEEDED)

    result = submit(store, push("0", "x", ref=branch(3)), most_open=1)

    assert result.outcome is Outcome.ACCEPTED


# A ledger of before: the row has one list of all that is open


def as_before(store: Store) -> None:
    numbers = store.client.hkeys(store.keys.deploys("shop"))
    store.client.hset(store.keys.row("shop"), "open", " " + " ".join(map(str, sorted(numbers))))
    store.client.delete(store.keys.open("shop"))


def open_numbers(store: Store) -> set[int]:
    return {deploy.number for deploy in the_deploys(store) if not deploy.terminal}


def retired(store: Store) -> list[str]:
    """The target is no longer configured; is it forgotten at once?"""
    spec = Spec(
        target="shop", repository="", namespace="n", policies=Policies(), manifest={}, digest="d"
    )
    publisher = Publisher(store)
    publisher.publish([spec], 0)
    publisher.publish([], 0)
    return publisher.retire(60)


def last_pod_gone(store: Store) -> None:
    """Of a deploy that nobody knows."""
    facts = ObservedJob(namespace="n", job="shop-9", uid="u", number=9, rv="5")
    Observations(store).observe([("shop", facts)])
    Observations(store).observe([("shop", msgspec.structs.replace(facts, gone=True, rv="6"))])


def test_a_list_of_before_is_read_by_a_worker(store: Store) -> None:
    open_streams(store, 0, 3)
    as_before(store)

    assert open_numbers(store) == {1, 2, 3}
    assert not store.client.hexists(store.keys.row("shop"), "open")


def test_a_list_of_before_is_read_by_a_push(store: Store) -> None:
    open_streams(store, 0, 3)
    as_before(store)

    result = submit(store, push("new on 1", "x", ref=branch(1)))

    assert (result.outcome, result.deploy) == (Outcome.COALESCED, "shop/2")
    assert open_numbers(store) == {1, 2, 3}


def test_a_list_of_before_is_read_by_a_cancel_and_a_redeploy(store: Store) -> None:
    open_streams(store, 0, 3)
    as_before(store)
    Operations(store).cancel("shop", 2, "ann", "")
    assert open_numbers(store) == {1, 3}
    as_before(store)

    answer = Operations(store).redeploy(Redeploy(target="shop", request="r", ref=branch(0)))

    assert "was waiting already" in answer.reason


def test_a_list_of_before_keeps_a_target_from_being_forgotten(store: Store) -> None:
    open_streams(store, 0, 3)
    as_before(store)
    last_pod_gone(store)
    assert store.client.zscore(store.keys.due, "shop") is not None
    as_before(store)

    assert retired(store) == []


def test_what_is_open_does_not_outlive_its_history(store: Store) -> None:
    """Row and deploys expire some time after their target was removed."""
    open_streams(store, 0, 3)
    store.client.delete(store.keys.row("shop"), store.keys.deploys("shop"))

    result = submit(store, push("0", "x", ref=branch(7)), most_open=1)

    assert (result.outcome, result.deploy) == (Outcome.ACCEPTED, "shop/1")
    assert open_numbers(store) == {1}


def test_a_number_that_goes_to_another_stream_is_open_there_alone(store: Store) -> None:
    """A Job was found that has the number of what waits: see `leftovers.unknown`."""
    submit(store, push("0", "a"))
    seen = leased(store)
    (waiting,) = seen.deploys
    found = msgspec.structs.replace(
        waiting, stream=branch(1), ref=branch(1), state=State.RUNNING, attempt=1
    )
    moved = msgspec.structs.replace(waiting, number=2)

    Targets(store).record(seen, "a-token", deploys=[found, moved], release=True)

    assert open_numbers(store) == {1, 2}
    assert by_stream(store) == {MAIN: "2", branch(1): "1"}


def by_stream(store: Store) -> dict[str, str]:
    found = store.client.hgetall(store.keys.open("shop"))
    return dict(zip(texts(found.keys()), texts(found.values()), strict=True))


def test_of_a_stream_the_greatest_number_stands_last(store: Store) -> None:
    """Also when a smaller one is found later."""
    submit(store, push("0", "a"))
    seen = leased(store)
    (waiting,) = seen.deploys
    later: list[Deploy] = [msgspec.structs.replace(waiting, number=n) for n in (30, 4, 12)]

    Targets(store).record(seen, "a-token", deploys=later, release=True)

    assert by_stream(store) == {MAIN: "1 4 12 30"}
