"""What is deployed does not depend on the order in which pushes come, nor on which of them are filtered.

Every order of every pattern is tried, each for a target of its own; one step of all of them is one round trip.
Where several clocks are possible, each pattern is tried with one of them, and in a long run with all.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, permutations, product
from typing import Any

import msgspec
import pytest

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.push import Push
from dispatcher.ledger import Store, Submission
from tests.dispatcher.ledger.helpers import a_submission, push
from tests.examples import more_examples, one_in

WANTED, PATHS, SKIP = "wanted", "paths", "skip"
KINDS = (WANTED, PATHS, SKIP)
CLOCKS: dict[str, Callable[[int], int]] = {
    "none": lambda at: 0,
    "seconds": lambda at: 1_000 * (at // 3 + 1),
    "exact": lambda at: at + 1,
    "now and then": lambda at: (at + 1) * (at % 2),
    "wrong now and then": lambda at: at + 1 + 4 * 10**15 * (at % 2),
}
"""When the n-th push was made, by its host: several in a second, where that is all that it tells."""
COMMITS = "abcdefgh"
AT_ONCE = 2_000
SHUFFLED = 150
"""Orders of six pushes for each clock."""


@dataclass
class Case:
    """Pushes of one branch, in the order in which they were made, and the one in which they come."""

    name: str
    pushes: Sequence[Push]
    kinds: Sequence[str]
    order: Sequence[int]
    asked: list[int] = field(default_factory=list)
    """Which push's commit was to be deployed after each of the arrivals that changed it."""
    outcomes: list[Outcome] = field(default_factory=list)

    def submission(self, step: int) -> Submission:
        at = self.order[step]
        kind = self.kinds[at]
        return a_submission(
            self.pushes[at],
            self.name,
            f"d{at}",
            filtered="" if kind == WANTED else kind,
            by_paths=kind == PATHS,
        )

    def note(self, raw: str | None) -> None:
        if raw:
            commit = msgspec.json.decode(raw, type=Deploy).commit
            at = [push.after for push in self.pushes].index(commit)
            if self.asked[-1:] != [at]:
                self.asked.append(at)

    @property
    def newest_wanted(self) -> int:
        return max((at for at, kind in enumerate(self.kinds) if kind == WANTED), default=-1)

    @property
    def in_order(self) -> bool:
        return list(self.order) == sorted(self.order)


def run(store: Store, cases: Sequence[Case]) -> None:
    for step in range(max(len(case.order) for case in cases)):
        now = [case for case in cases if step < len(case.order)]
        submissions = [case.submission(step) for case in now]
        replies = store.scripts.run_many([s.call(store) for s in submissions])
        pipeline: Any = store.client.pipeline(transaction=False)
        for case in now:
            pipeline.hget(store.keys.deploys(case.name), "1")
        for case, submission, raw, deploy in zip(
            now, submissions, replies, pipeline.execute(), strict=True
        ):
            case.outcomes.append(submission.answer(raw).result.outcome)
            case.note(deploy)


def chain(count: int, clock: str) -> list[Push]:
    made = enumerate(pairwise(COMMITS[: count + 1]))
    return [push(before, after, at=CLOCKS[clock](at)) for at, (before, after) in made]


def wrong(case: Case, clock: str) -> str:
    """What is not as it would have been in the right order, "" if all is."""
    last = case.asked[-1] if case.asked else -1
    if last < case.newest_wanted:
        return "what somebody pushed is not deployed"
    if clock == "exact" and case.asked != sorted(case.asked):
        return "an older commit was to be deployed after a newer one"
    if case.asked and not {WANTED, PATHS} & set(case.kinds):
        return "what nobody wants is deployed"
    wanted = [at for at, kind in enumerate(case.kinds) if kind == WANTED]
    if case.in_order and case.asked != wanted:
        return "in order, and yet not just what is wanted was deployed"
    return ""


def check(store: Store, cases: Iterable[Case], clock: str) -> None:
    everything = list(cases)
    for start in range(0, len(everything), AT_ONCE):
        group = everything[start : start + AT_ONCE]
        run(store, group)
        pipeline: Any = store.client.pipeline(transaction=False)
        for key in store.client.scan_iter(match=f"{store.keys.prefix}*", count=5_000):
            pipeline.unlink(key)
        pipeline.execute()
    found = [(why, case) for case in everything if (why := wrong(case, clock))]
    assert not found, f"{len(found)} of {len(everything)}, such as {found[0]}"


@pytest.mark.parametrize(("start", "clock"), list(enumerate(CLOCKS)), ids=CLOCKS)
def test_whatever_is_filtered_and_in_whatever_order_four_pushes_come(
    store: Store, start: int, clock: str
) -> None:
    check(store, one_in(len(CLOCKS), all_of_four(True, clock), start), clock)


def test_whatever_is_filtered_and_in_whatever_order_the_first_four_pushes_come(
    store: Store,
) -> None:
    check(store, all_of_four(False, "none"), "none")


def all_of_four(known: bool, clock: str) -> Iterator[Case]:
    """Where the branch is known, it was deployed before; a lost delivery is one that comes later."""
    first = int(known)
    pushes = chain(4 + first, clock)
    for number, (kinds, order) in enumerate(
        product(product(KINDS, repeat=4), permutations(range(4)))
    ):
        yield Case(
            f"t{number}",
            pushes,
            (WANTED,) * first + kinds,
            (0,) * first + tuple(at + first for at in order),
        )


@pytest.mark.parametrize("clock", CLOCKS)
def test_some_of_six_are_answered_503_and_sent_again_and_some_come_twice(
    store: Store, clock: str
) -> None:
    chance = random.Random(20)

    def some() -> Iterator[Case]:
        for number in range(SHUFFLED * more_examples()):
            order = list(range(6))
            chance.shuffle(order)
            again = chance.sample(order, chance.randrange(4))
            kinds = chance.choices(KINDS, k=6)
            yield Case(f"t{number}", chain(6, clock), kinds, order + again)

    check(store, some(), clock)


def test_what_is_lost_for_good_is_made_up_for_by_whatever_is_not_marked_to_be_skipped(
    store: Store,
) -> None:
    """Of a known branch's pushes some never come: their files are in none that any filter has seen."""
    cases = [
        Case(f"t{number}", chain(5, "none"), (WANTED, *kinds), (0, *came))
        for number, (kinds, came) in enumerate(
            product(product(KINDS, repeat=4), [(2, 3, 4), (3, 4), (2, 4), (1, 3, 4), (1, 2, 4)])
        )
    ]
    run(store, cases)

    for case in cases:
        after_loss = next(at for at in case.order[1:] if at - 1 not in case.order)
        seen = [at for at in case.order if at >= after_loss and case.kinds[at] != SKIP]
        assert not seen or max(case.asked) >= seen[0], case
