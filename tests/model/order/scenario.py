"""Random scenarios: what can happen to one target's pushes on their way to the ledger; drawn, then run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import redis
from hypothesis import note
from hypothesis import strategies as st

from dispatcher.domain.delivery import Replay
from dispatcher.domain.deploy import State
from dispatcher.domain.refs import TAGS
from dispatcher.domain.spec import Policies
from dispatcher.ledger import Keys, Operations, Redeploy, Store
from tests.dispatcher.ledger.helpers import a_submission
from tests.model import ledger_loss
from tests.model.order.fake_worker import FakeWorker
from tests.model.order.history import NONE, History, Made, commit_named
from tests.model.order.oracle import Oracle, Ran, hides_a_gap

TARGET = "shop"
MAIN, NEXT = "refs/heads/main", "refs/heads/next"
V1, V2, V3 = (f"{TAGS}/v{number}" for number in (1, 2, 3))
FOLLOWED = {
    "a branch": (MAIN,),
    "branches": (MAIN, MAIN, NEXT),
    "tags": (V1, V2, V3),
    "all": (MAIN, MAIN, NEXT, V1, V2),
}
HOUR = 3600_000
YEARS = 50 * 365 * 24 * HOUR
FILTERS = {"paths": "no path of the push is wanted", "skip": "the commit says so"}
LOST = -1
STEPS: dict[str, tuple[State | None, bool]] = {
    "s": (None, True),
    "n": (State.SUCCEEDED, True),
    "e": (State.SUCCEEDED, False),
    "f": (State.FAILED, False),
    "g": (State.SUPERSEDED, True),
}
"""How what runs ends, and whether the next starts then."""


@dataclass(frozen=True)
class Moment:
    """One push, and what happens until the next."""

    ref: int
    """Which of the refs that are followed."""
    kind: str
    """`new` commit | `shared`: one where another ref is | `back`: one where this ref was | `gone`"""
    filtered: str
    late: int
    """How many pushes come before it although they were made after it; -1 if it never comes."""
    ahead: int
    """How far the host's clock is ahead, in milliseconds, where clocks are wrong."""
    work: str
    """What becomes of deploys then, as in `STEPS`; `r` if all come to rest, and it is
    asked whether that is right."""
    again: str
    """What comes once more then, or is asked for: "" | `repeated` | `anew` | `replayed` | `redeploy`"""
    which: int
    """Which of those that were made; counted back."""


def some(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def moments(filtered: st.SearchStrategy[str], late: st.SearchStrategy[int]) -> Any:
    return st.builds(
        Moment,
        ref=st.integers(0, 4),
        kind=some("new", "new", "new", "new", "new", "shared", "shared", "back", "gone"),
        filtered=filtered,
        late=late,
        ahead=some(0, 0, HOUR, YEARS),
        work=some("", "", "s", "e", "se", "n", "f", "sf", "g", "r", "r", "r"),
        again=some("", "", "", "", "", "repeated", "anew", "replayed", "redeploy"),
        which=st.integers(0, 3),
    )


@dataclass(frozen=True)
class Scenario:
    followed: str
    every: bool
    clock: str
    """`right` | `none`: the host does not say when | `wrong`: it is ahead at times"""
    moments: Sequence[Moment]


def scenarios(moment: st.SearchStrategy[Moment], *followed: str) -> st.SearchStrategy[Scenario]:
    """Of targets that follow one of these."""
    return st.builds(
        Scenario,
        followed=some(*followed),
        every=st.booleans(),
        clock=some("right", "right", "none", "wrong"),
        moments=st.lists(moment, min_size=3, max_size=9),
    )


OF_BRANCHES = scenarios(
    moments(some("", "", "", "", "skip", "paths", "paths"), some(0, 0, 0, 0, 1, 1, 2, LOST, LOST)),
    "a branch",
    "a branch",
    "branches",
)
"""What is missing, or turned away, is what makes a branch's order hard to tell."""
OF_TAGS = scenarios(
    moments(some("", "", "", "", "", "skip"), some(0, 0, 0, 1, 1, 2, LOST)), "tags", "tags", "all"
)
"""Tags have no chain: what is late, and what stands on one commit, makes theirs hard to tell."""


class ScenarioRun:
    """One target, no cluster: only what is decided when a push comes, and what is started then.

    Raises AssertionError for what is not right.
    """

    def __init__(self, client: redis.Redis, scenario: Scenario) -> None:
        self._scenario, self._clock = scenario, scenario.clock
        self._store = Store(client, Keys(f"test-{uuid4().hex[:12]}"))
        policies = Policies(on_new_push="every" if scenario.every else "cancel", every_limit=100)
        self._worker = FakeWorker(self._store, TARGET, policies)
        self._refs = FOLLOWED[scenario.followed]
        self._history = History()
        self._oracle = Oracle(self._history, scenario.every)
        self._on_their_way: list[tuple[int, Made]] = []
        """Each with the number of pushes after which it comes."""
        self._let_through: set[int] = set()
        self._asked_for: set[tuple[str, str]] = set()
        self._time = 0
        """When the last thing happened, in milliseconds."""
        self._came: dict[int, int] = {}
        """When each delivery came first, by the ledger's clock."""

    def close(self) -> None:
        ledger_loss.empty(self._store.client, self._store.keys)

    def __call__(self) -> None:
        for moment in self._scenario.moments:
            self._happens(moment)
        while self._on_their_way:
            self._arrives(self._on_their_way.pop(0)[1])
        self._comes_to_rest()
        self._is_right()
        self._is_open_to_what_comes()

    def _happens(self, moment: Moment) -> None:
        made = self._pushed(moment)
        if made and moment.late == 0:
            self._arrives(made)
        elif made and moment.late != LOST:
            self._on_their_way.append((made.number + moment.late, made))
        for due in [each for each in self._on_their_way if each[0] < len(self._history.made)]:
            self._on_their_way.remove(due)
            self._arrives(due[1])
        self._work(moment.work)
        self._once_more(moment)

    def _later(self) -> int:
        """Now, by the ledger's clock: a millisecond of its own, so that what comes first is never a matter of
        how fast the machine is."""
        while (now := self._store.now()) <= self._time:
            time.sleep(0.0002)
        self._time = now
        return now

    # The host

    def _pushed(self, moment: Moment) -> Made | None:
        ref = self._refs[moment.ref % len(self._refs)]
        pushes, new = self._history.of(ref), commit_named(len(self._history.made))
        match moment.kind:
            case "new":
                return self._made(ref, new, new, moment)
            case "shared":
                return self._made_where_another_is(ref, moment)
            case "back" if len(pushes) > 1 and not self._is_late(ref):
                return self._made(ref, pushes[-2].after, pushes[-2].commit, moment)
            case "gone" if pushes and pushes[-1].after != NONE:
                return self._made(ref, NONE, NONE, moment)
        return None

    def _made_where_another_is(self, ref: str, moment: Moment) -> Made | None:
        """A release tag on its candidate's commit, with an object of its own at times;
        a branch that begins where another is."""
        others = [m for m in self._history.made if m.ref != ref and m.commit != NONE]
        if not others or self._history.positions(ref, others[-1].commit):
            return None
        commit, annotated = others[-1].commit, ref.startswith(TAGS) and moment.which == 0
        tag = commit_named(1000 + len(self._history.made)) if annotated else commit
        return self._made(ref, tag, commit, moment)

    def _is_late(self, ref: str) -> bool:
        return any(made.ref == ref for _, made in self._on_their_way)

    def _made(self, ref: str, after: str, commit: str, moment: Moment) -> Made:
        now = self._later()
        said = {"right": now, "none": 0, "wrong": now + moment.ahead}[self._clock]
        made = Made(
            number=len(self._history.made),
            ref=ref,
            before=self._history.head(ref),
            after=after,
            commit=commit,
            time=said,
            trusted=said == now,
            filtered=moment.filtered if after != NONE else "",
        )
        self._history.made.append(made)
        note(f"{made} late={moment.late} at {said}")
        return made

    # The way: who is answered 503 sends again, and so is late

    def _arrives(self, made: Made) -> None:
        if hides_a_gap(self._history, made):
            self._let_through.add(made.number)
        self._history.arrived.append(made)
        self._came[made.number] = self._later()
        self._submit(made, f"delivery-{made.number}")

    def _once_more(self, moment: Moment) -> None:
        known = self._history.made if moment.again == "redeploy" else self._history.arrived
        if not known:
            return
        made = known[-1 - moment.which % len(known)]
        match moment.again:
            case "repeated":
                self._submit(made, f"delivery-{made.number}")
            case "anew" if made.trusted:  # without a time, the same push could be another one
                self._submit(made, f"again-{uuid4()}")
            case "replayed":
                self._submit(made, f"replay-{uuid4()}", self._came[made.number])
            case "redeploy":
                self._redeploy(made)

    def _submit(self, made: Made, delivery: str, replays: int = 0) -> None:
        submission = a_submission(
            made.push,
            TARGET,
            delivery,
            every=100 if self._scenario.every else 0,
            replay=Replay(of="", first_at=replays) if replays else None,
            **_filtered(made),
        )
        (raw,) = self._store.scripts.run_many([submission.call(self._store)])
        result = submission.answer(raw).result
        what = f"replay of {made.number}" if replays else f"{made.number}"
        note(f"   {what}: {result.outcome} {result.deploy} {result.reason}")
        assert result.reason == result.reason.strip(), f"a reason is cut off: {result.reason}"

    # What is deployed

    def _redeploy(self, made: Made) -> None:
        """Of a commit where the ref was, also one whose push was lost."""
        if made.commit == NONE:
            return
        note(f"redeploy {made.ref} {made.commit[:4]}")
        self._asked_for.add((made.ref, made.commit))
        self._later()
        asked = Redeploy(target=TARGET, by="ann", ref=made.ref, commit=made.commit)
        Operations(self._store).redeploy(asked)

    def _work(self, steps: str) -> None:
        for step in steps:
            if step == "r":
                self._comes_to_rest()
                self._is_right()
                continue
            ends, starts = STEPS[step]
            if self._scenario.every and ends is State.SUPERSEDED:
                continue
            self._worker.step(ends, starts)

    def _comes_to_rest(self) -> None:
        while self._worker.step(State.SUCCEEDED, starts=True):
            pass

    # Promises

    def _is_right(self) -> None:
        ran = Ran(self._worker.started, frozenset(self._let_through), frozenset(self._asked_for))
        untouched = {ref for ref in self._refs if not ran.was_touched(ref)}
        for ref in (ref for ref in untouched if not ref.startswith(TAGS)):
            self._oracle.never_back(ref, ran)
            self._oracle.newest_last(ref, ran)
        self._oracle.no_replay_back(ran)
        if self._scenario.every:
            self._oracle.each_one(ran)
        elif not any(ref.startswith(TAGS) for ref, _ in self._asked_for):
            self._oracle.newest_tag_last(ran)

    def _is_open_to_what_comes(self) -> None:
        """Whatever was wrong or lost before: a new push that arrives is deployed."""
        self._clock = "right" if self._clock == "wrong" else self._clock
        for ref in sorted({made.ref for made in self._history.made}):
            self._pushed_at_last(ref)
            made = self._pushed_at_last(ref)
            self._arrives(made)
            self._comes_to_rest()
            last = self._worker.started[-1]
            assert (last.ref, last.commit) == (ref, made.commit), f"{ref} is blocked"

    def _pushed_at_last(self, ref: str) -> Made:
        commit = commit_named(2000 + len(self._history.made))
        return self._made(ref, commit, commit, Moment(0, "new", "", 0, 0, "", "", 0))


def _filtered(made: Made) -> dict[str, Any]:
    """As a submission says it."""
    if not made.filtered:
        return {}
    return {"filtered": FILTERS[made.filtered], "by_paths": made.filtered == "paths"}
