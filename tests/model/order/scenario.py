"""Random scenarios: what can happen to one target's pushes on their way to the ledger."""

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
from tests.model.order.history import NONE, History, HostPush, commit_named
from tests.model.order.oracle import DeployHistory, Oracle, hides_a_gap

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
WORKER_ACTIONS: dict[str, tuple[State | None, bool]] = {
    "s": (None, True),
    "n": (State.SUCCEEDED, True),
    "e": (State.SUCCEEDED, False),
    "f": (State.FAILED, False),
    "g": (State.SUPERSEDED, True),
}
"""Letter → the state in which the running deploy ends, and whether the next one starts then."""


@dataclass(frozen=True)
class Step:
    """One push, and what happens until the next."""

    ref: int
    """Which of the refs that are followed."""
    kind: str
    """`new` commit | `shared`: one where another ref is | `back`: one where this ref was | `deleted`"""
    filtered: str
    late: int
    """How many later pushes arrive before it; LOST if it never arrives."""
    ahead: int
    """How far the host's clock is ahead, in milliseconds, where clocks are wrong."""
    work: str
    """What becomes of deploys then, as in `WORKER_ACTIONS`; `r`: all
    waiting deploys run, and the oracle checks."""
    repeat: str
    """An earlier push is delivered again or redeployed: "" | `repeated` | `new id` | `replayed` | `redeploy`"""
    which: int
    """Which push that is, counted back."""


def some(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def steps(filtered: st.SearchStrategy[str], late: st.SearchStrategy[int]) -> Any:
    return st.builds(
        Step,
        ref=st.integers(0, 4),
        kind=some("new", "new", "new", "new", "new", "shared", "shared", "back", "deleted"),
        filtered=filtered,
        late=late,
        ahead=some(0, 0, HOUR, YEARS),
        work=some("", "", "s", "e", "se", "n", "f", "sf", "g", "r", "r", "r"),
        repeat=some("", "", "", "", "", "repeated", "new id", "replayed", "redeploy"),
        which=st.integers(0, 3),
    )


@dataclass(frozen=True)
class Scenario:
    followed: str
    every: bool
    clock: str
    """`right` | `none`: the host sends no times | `wrong`: it is ahead at times"""
    steps: Sequence[Step]


def scenarios(step: st.SearchStrategy[Step], *followed: str) -> st.SearchStrategy[Scenario]:
    """Of targets that follow one of these refs."""
    return st.builds(
        Scenario,
        followed=some(*followed),
        every=st.booleans(),
        clock=some("right", "right", "none", "wrong"),
        steps=st.lists(step, min_size=3, max_size=9),
    )


OF_BRANCHES = scenarios(
    steps(some("", "", "", "", "skip", "paths", "paths"), some(0, 0, 0, 0, 1, 1, 2, LOST, LOST)),
    "a branch",
    "a branch",
    "branches",
)
"""Lost and filtered pushes are what makes the order of a branch hard to know."""
OF_TAGS = scenarios(
    steps(some("", "", "", "", "", "skip"), some(0, 0, 0, 1, 1, 2, LOST)), "tags", "tags", "all"
)
"""Tags have no chain: late pushes and tags on one commit make their order hard to know."""


class ScenarioRun:
    """One target, no cluster: only the decision on each push, and the starts of deploys.

    Raises AssertionError for a wrong one.
    """

    def __init__(self, client: redis.Redis, scenario: Scenario) -> None:
        self._scenario, self._clock = scenario, scenario.clock
        self._store = Store(client, Keys(f"test-{uuid4().hex[:12]}"))
        policies = Policies(on_new_push="every" if scenario.every else "cancel", every_limit=100)
        self._worker = FakeWorker(self._store, TARGET, policies)
        self._refs = FOLLOWED[scenario.followed]
        self._history = History()
        self._oracle = Oracle(self._history, scenario.every)
        self._in_flight: list[tuple[int, HostPush]] = []
        """Each with the number of pushes after which it arrives."""
        self._let_through: set[int] = set()
        self._redeployed: set[tuple[str, str]] = set()
        self._time = 0
        """When the last event was, in milliseconds."""
        self._first_arrivals: dict[int, int] = {}
        """When each delivery arrived first, by the ledger's clock."""

    def close(self) -> None:
        ledger_loss.empty(self._store.client, self._store.keys)

    def run(self) -> None:
        for step in self._scenario.steps:
            self._run_step(step)
        while self._in_flight:
            self._deliver(self._in_flight.pop(0)[1])
        self._drain()
        self._check()
        self._check_later_pushes()

    def _run_step(self, step: Step) -> None:
        push = self._push(step)
        if push and step.late == 0:
            self._deliver(push)
        elif push and step.late != LOST:
            self._in_flight.append((push.number + step.late, push))
        for due in [each for each in self._in_flight if each[0] < len(self._history.pushes)]:
            self._in_flight.remove(due)
            self._deliver(due[1])
        self._work(step.work)
        self._repeat(step)

    def _next_millisecond(self) -> int:
        """Now, by the ledger's clock: a millisecond that no earlier event has, however fast the machine is."""
        while (now := self._store.now()) <= self._time:
            time.sleep(0.0002)
        self._time = now
        return now

    # The host

    def _push(self, step: Step) -> HostPush | None:
        ref = self._refs[step.ref % len(self._refs)]
        pushes, new = self._history.of(ref), commit_named(len(self._history.pushes))
        match step.kind:
            case "new":
                return self._add_push(ref, new, new, step)
            case "shared":
                return self._push_commit_of_other_ref(ref, step)
            case "back" if len(pushes) > 1 and not self._is_in_flight(ref):
                return self._add_push(ref, pushes[-2].after, pushes[-2].commit, step)
            case "deleted" if pushes and pushes[-1].after != NONE:
                return self._add_push(ref, NONE, NONE, step)
        return None

    def _push_commit_of_other_ref(self, ref: str, step: Step) -> HostPush | None:
        """A release tag on its candidate's commit, with an object of its own at times;
        a branch that begins where another is."""
        others = [m for m in self._history.pushes if m.ref != ref and m.commit != NONE]
        if not others or self._history.positions(ref, others[-1].commit):
            return None
        commit, annotated = others[-1].commit, ref.startswith(TAGS) and step.which == 0
        tag = commit_named(1000 + len(self._history.pushes)) if annotated else commit
        return self._add_push(ref, tag, commit, step)

    def _is_in_flight(self, ref: str) -> bool:
        return any(push.ref == ref for _, push in self._in_flight)

    def _add_push(self, ref: str, after: str, commit: str, step: Step) -> HostPush:
        now = self._next_millisecond()
        sent = {"right": now, "none": 0, "wrong": now + step.ahead}[self._clock]
        push = HostPush(
            number=len(self._history.pushes),
            ref=ref,
            before=self._history.head(ref),
            after=after,
            commit=commit,
            time=sent,
            timed=sent == now,
            filtered=step.filtered if after != NONE else "",
        )
        self._history.pushes.append(push)
        note(f"{push} late={step.late} at {sent}")
        return push

    # Deliveries: a host that is answered 503 sends again, and so is late

    def _deliver(self, push: HostPush) -> None:
        if hides_a_gap(self._history, push):
            self._let_through.add(push.number)
        self._history.arrived.append(push)
        self._first_arrivals[push.number] = self._next_millisecond()
        self._submit(push, f"delivery-{push.number}")

    def _repeat(self, step: Step) -> None:
        known = self._history.pushes if step.repeat == "redeploy" else self._history.arrived
        if not known:
            return
        push = known[-1 - step.which % len(known)]
        match step.repeat:
            case "repeated":
                self._submit(push, f"delivery-{push.number}")
            case "new id" if push.timed:  # without a time, the same push could be another one
                self._submit(push, f"again-{uuid4()}")
            case "replayed":
                self._submit(push, f"replay-{uuid4()}", self._first_arrivals[push.number])
            case "redeploy":
                self._redeploy(push)

    def _submit(self, push: HostPush, delivery: str, replays: int = 0) -> None:
        submission = a_submission(
            push.received,
            TARGET,
            delivery,
            every=100 if self._scenario.every else 0,
            replay=Replay(of="", first_at=replays) if replays else None,
            **_filtered(push),
        )
        (raw,) = self._store.scripts.run_many([submission.call(self._store)])
        result = submission.answer(raw).result
        what = f"replay of {push.number}" if replays else f"{push.number}"
        note(f"   {what}: {result.outcome} {result.deploy} {result.reason}")
        assert result.reason == result.reason.strip(), f"a reason is cut off: {result.reason}"

    # Deploys

    def _redeploy(self, push: HostPush) -> None:
        """Of a commit where the ref was, also if its push was lost."""
        if push.commit == NONE:
            return
        note(f"redeploy {push.ref} {push.commit[:4]}")
        self._redeployed.add((push.ref, push.commit))
        self._next_millisecond()
        asked = Redeploy(target=TARGET, by="ann", ref=push.ref, commit=push.commit)
        Operations(self._store).redeploy(asked)

    def _work(self, actions: str) -> None:
        for action in actions:
            if action == "r":
                self._drain()
                self._check()
                continue
            ends, starts = WORKER_ACTIONS[action]
            if self._scenario.every and ends is State.SUPERSEDED:
                continue
            self._worker.step(ends, starts)

    def _drain(self) -> None:
        while self._worker.step(State.SUCCEEDED, starts=True):
            pass

    # Invariants

    def _check(self) -> None:
        deploys = DeployHistory(
            self._worker.started, frozenset(self._let_through), frozenset(self._redeployed)
        )
        by_pushes_only = {ref for ref in self._refs if not deploys.was_redeployed(ref)}
        for ref in (ref for ref in by_pushes_only if not ref.startswith(TAGS)):
            self._oracle.never_goes_back(ref, deploys)
            self._oracle.newest_last(ref, deploys)
        self._oracle.no_replay_goes_back(deploys)
        if self._scenario.every:
            self._oracle.every_push_is_deployed(deploys)
        elif not any(ref.startswith(TAGS) for ref, _ in self._redeployed):
            self._oracle.newest_tag_last(deploys)

    def _check_later_pushes(self) -> None:
        """Whatever was wrong or lost before: a later push is deployed."""
        self._clock = "right" if self._clock == "wrong" else self._clock
        for ref in sorted({push.ref for push in self._history.pushes}):
            self._final_push(ref)
            push = self._final_push(ref)
            self._deliver(push)
            self._drain()
            last = self._worker.started[-1]
            assert (last.ref, last.commit) == (ref, push.commit), f"{ref} is blocked"

    def _final_push(self, ref: str) -> HostPush:
        commit = commit_named(2000 + len(self._history.pushes))
        return self._add_push(ref, commit, commit, Step(0, "new", "", 0, 0, "", "", 0))


def _filtered(push: HostPush) -> dict[str, Any]:
    """As fields of a submission."""
    if not push.filtered:
        return {}
    return {"filtered": FILTERS[push.filtered], "by_paths": push.filtered == "paths"}
