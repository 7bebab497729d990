"""Clocks of hosts that are wrong, and deliveries of long ago: neither decides about a branch for ever."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.domain.outcome import Outcome
from dispatcher.domain.push import Push
from dispatcher.ledger import Operations, Redeploy, Store, Submitter, WakeUps
from tests.dispatcher.ledger.helpers import MAIN, a_submission, push, sha, submit, taken
from tests.dispatcher.ledger.test_submit import the_deploys

MINUTE = 60_000
YEARS = 20 * 365 * 86400_000
TAG = "refs/tags/v1"


@pytest.fixture
def now(store: Store) -> int:
    return store.now()


@pytest.mark.parametrize("ahead", [6 * MINUTE, YEARS])
def test_a_time_that_is_far_ahead_is_none(store: Store, now: int, ahead: int) -> None:
    answer = taken(store, push("0", "a", at=now + ahead))
    later = submit(store, push("b", "c", at=now))

    assert answer.ahead == now + ahead
    assert later.outcome is Outcome.COALESCED
    assert [d.commit for d in the_deploys(store)] == [sha("c")]


def test_one_that_is_a_little_ahead_counts(store: Store, now: int) -> None:
    answer = taken(store, push("0", "a", at=now + 4 * MINUTE))

    assert answer.ahead == 0
    assert submit(store, push("b", "c", at=now + 3 * MINUTE)).outcome is Outcome.STALE


def test_how_far_is_a_setting(store: Store, now: int) -> None:
    assert taken(store, push("0", "a", at=now + MINUTE), clock_skew=1_000).ahead


@pytest.mark.parametrize("ref", [MAIN, TAG])
def test_what_was_stored_before_such_times_were_none_heals(
    store: Store, now: int, ref: str
) -> None:
    submit(store, push("0", "a", ref=ref, at=now))
    chain = store.keys.chain("shop", MAIN if ref == MAIN else "refs/tags")
    wrong = str(now + YEARS)
    fields: dict[Any, Any] = {
        f"time {ref}": wrong,
        f"dated {ref}": wrong,
        f"asked {ref}": f"{sha('a')} {wrong}",
    }
    store.client.hset(chain, mapping=fields | {"time": wrong, "newest": "refs/tags/v0"})
    store.client.zadd(store.keys.times("shop"), {ref: now + YEARS})

    assert submit(store, push("b", "c", ref=ref, at=now)).outcome is Outcome.COALESCED


def test_the_log_names_hook_repository_ref_and_time(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    submission = a_submission(push("0", "a", at=4_000_000_000_000), hook="github")
    wake_ups: Any = Silent()
    with Submitter(store, wake_ups) as submitter:
        submitter.submit([submission]).result()

    said = capsys.readouterr().out
    assert "host's time is ahead" in said
    for word in ("github", "git.example.com/acme/shop", MAIN, "2096-10-02T07:06:40"):
        assert word in said


class Silent(WakeUps):
    def __init__(self) -> None:
        pass

    def enqueue(self, wake_ups: Any) -> None:
        list(wake_ups)


# Deliveries that somebody kept


def forget_chain(store: Store, what: Push) -> None:
    """As after more than thirty days in which nobody pushed."""
    keys = store.keys
    seen = keys.seen("shop", what.ref, what.before, what.after, what.pushed_at)
    store.client.delete(keys.chain("shop", what.stream), keys.ages("shop", what.stream), seen)


@pytest.mark.parametrize("ref", [MAIN, TAG])
@pytest.mark.parametrize("again", ["older", "same"])
def test_a_delivery_that_is_older_than_the_chain_deploys_nothing(
    store: Store, now: int, ref: str, again: str
) -> None:
    older = push("0", "a", ref=ref, at=now - 2_000)
    newer = push("a", "b", ref=ref, at=now - 1_000)
    submit(store, older)
    submit(store, newer)
    for each in (older, newer):
        forget_chain(store, each)

    result = submit(store, older if again == "older" else newer)

    assert result.outcome is Outcome.STALE
    assert result.reason.startswith("by its host's clock, a push of this branch or tag is known")
    assert submit(store, push("b", "c", ref=ref, at=now)).outcome is Outcome.COALESCED


# An operator has the last word


def put(store: Store, commit: str, ref: str = MAIN) -> str:
    return (
        Operations(store)
        .redeploy(Redeploy(target="shop", commit=sha(commit), ref=ref, by="ann"))
        .reason
    )


def test_a_redeploy_of_a_commit_and_a_ref_says_where_that_is(store: Store, now: int) -> None:
    submit(store, push("0", "a", at=now + 4 * MINUTE))
    submit(store, push("n", "d", at=now + 4 * MINUTE + 1))  # of a commit that is yet to come

    said = put(store, "d")
    other = submit(store, push("m", "n", at=store.now() + 1))
    follows = submit(store, push("n", "o", at=store.now() + 2))

    assert said.endswith("main is taken to be at that commit from now on")
    assert other.outcome is follows.outcome is Outcome.COALESCED
    assert [d.commit for d in the_deploys(store)][-1] == sha("o")


def test_what_was_pushed_before_it_is_late(store: Store, now: int) -> None:
    submit(store, push("0", "a", at=now - 3_000))
    put(store, "c")

    late = submit(store, push("a", "b", at=now - 2_000))

    assert late.outcome is Outcome.STALE
    assert late.reason == f"the branch has moved past this commit; it is at {sha('c')}"


@pytest.mark.parametrize("dated", [True, False])
def test_what_is_pushed_after_it_counts_wherever_it_begins(
    store: Store, now: int, dated: bool
) -> None:
    """Who goes back to an earlier commit by name does not keep the next push from going on."""
    submit(store, push("0", "a", at=now - 2 if dated else 0))
    submit(store, push("a", "b", at=now - 1 if dated else 0))
    put(store, "a")

    result = submit(store, push("b", "c", at=store.now() + 1 if dated else 0))

    assert result.outcome is Outcome.COALESCED
    assert [d.commit for d in the_deploys(store)][-1] == sha("c")


def test_a_tag_that_an_operator_names_is_the_newest(store: Store, now: int) -> None:
    submit(store, push("0", "a", ref="refs/tags/v2", at=now + 4 * MINUTE))
    put(store, "b", ref=TAG)

    assert submit(store, push("0", "c", ref="refs/tags/v0", at=now - 1)).outcome is Outcome.STALE
    assert submit(store, push("0", "d", ref="refs/tags/v3", at=now + MINUTE)).deploy == "shop/2"


def test_a_host_whose_clock_is_years_behind_counts_by_its_own_after_it(
    store: Store, now: int
) -> None:
    put(store, "a")
    submit(store, push("a", "b", at=now - YEARS))

    submit(store, push("c", "d", at=now - YEARS + 2))

    assert [d.commit for d in the_deploys(store)][-1] == sha("d")


@pytest.mark.parametrize("named", [{"number": 1}, {"commit": sha("x")}, {"ref": MAIN}, {}])
def test_a_redeploy_of_less_leaves_the_branch_where_it_is(
    store: Store, named: dict[str, Any]
) -> None:
    submit(store, push("0", "a"))

    said = Operations(store).redeploy(Redeploy(target="shop", **named)).reason

    assert "from now on" not in said
    assert submit(store, push("0", "a", at=5)).outcome is not Outcome.STALE


def test_asked_for_twice_it_says_so_once(store: Store) -> None:
    asked = Redeploy(target="shop", request="r1", commit=sha("a"), ref=MAIN)
    Operations(store).redeploy(asked)
    submit(store, push("a", "b"))

    assert "from now on" in Operations(store).redeploy(asked).reason
    assert submit(store, push("b", "c")).outcome is Outcome.COALESCED
    assert store.client.hget(store.keys.chain("shop", MAIN), f"head {MAIN}") == sha("c")
