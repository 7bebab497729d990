"""A target gets another name: everything that is known of it goes over, whatever happens meanwhile."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.errors import LeadershipLost
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.outcome import Outcome, Result
from dispatcher.domain.push import Push
from dispatcher.domain.snapshot import Snapshot
from dispatcher.domain.spec import Policies, Spec
from dispatcher.ledger import (
    Keys,
    Leadership,
    Observations,
    Operations,
    Publisher,
    Reader,
    RenameResult,
    Renaming,
    Retention,
    Schedule,
    Store,
    Targets,
    Timeouts,
    WakeUp,
)
from dispatcher.ledger.redirects import Redirects
from tests.dispatcher.ledger.helpers import MAIN, a_submission, push, sha
from tests.examples import examples

OLD, NEW = "shop", "web-shop"
JOB = ObservedJob(namespace="ns", job="shop-1", uid="u", rv="5", number=1, token="t")
LIMITS = Retention()


def spec(target: str = NEW, **more: Any) -> Spec:
    settings = {"repository": "r", "namespace": "ns", "manifest": {}, "digest": "d", **more}
    return Spec(target=target, policies=Policies(), **settings)


def hand_in(store: Store, what: Push, target: str, former: str = "", delivery: str = "") -> Result:
    """Hands one push in, as web does that knows this target and the name that it had."""
    submission = a_submission(what, target, delivery, former=former)
    redirects = Redirects(store)
    ((taken, reply),), _ = redirects.submit([submission])
    return taken.answer(reply).result


def by_old(store: Store, before: str, after: str, at: int = 0, **more: Any) -> Result:
    """From web that has read the configuration before the change."""
    return hand_in(store, push(before, after, at=at), OLD, **more)


def by_new(store: Store, before: str, after: str, at: int = 0, **more: Any) -> Result:
    """From web that has read of the new name."""
    return hand_in(store, push(before, after, at=at), NEW, OLD, **more)


def rename(store: Store, old: str = OLD, new: str = NEW) -> RenameResult:
    return Renaming(store).rename(old, spec(new)).result


def hold(store: Store, target: str, token: str = "mine") -> Snapshot:
    found = Targets(store).acquire(target, token)
    assert isinstance(found, Snapshot)
    return found


def run(store: Store, target: str, *states: State, jobs: tuple[ObservedJob, ...] = ()) -> None:
    """Takes the oldest open deploy through these states; its Job's name is the target's of now."""
    for state in states:
        seen = hold(store, target)
        deploy = min((d for d in seen.deploys if not d.terminal), key=lambda d: d.number)
        job = deploy.job or f"{target}-{deploy.number}"
        now = replace(deploy, state=state, attempt=1, token="t", job=job, uid="u", namespace="ns")
        Targets(store).record(seen, "mine", deploys=[now], new_jobs=jobs, release=True)


def history(store: Store, target: str = NEW) -> dict[int, Deploy]:
    found = Reader(store).deploys(target)
    assert {deploy.target for deploy in found} <= {target}
    return {deploy.number: deploy for deploy in reversed(found)}


def left_of(store: Store, target: str) -> list[str]:
    """Every key that is about the target, and every shared one that names it."""
    keys = store.keys
    found = [k for k in store.client.scan_iter(f"{keys.prefix}*") if f":{target}:" in f"{k}:"]
    shared = [
        (keys.specs, store.client.hexists(keys.specs, target)),
        (keys.due, store.client.zscore(keys.due, target) is not None),
        (keys.busy, store.client.sismember(keys.busy, target)),
        (keys.running, store.client.hexists(keys.running, target)),
        (keys.waiting, store.client.zscore(keys.waiting, target) is not None),
        (keys.waiters, store.client.hexists(keys.waiters, target)),
    ]
    return sorted([*map(str, found), *(key for key, there in shared if there)])


@pytest.fixture
def running(store: Store) -> Store:
    """shop/1 has succeeded, shop/2 runs, shop/3 waits."""
    Publisher(store).publish([spec(OLD)])
    by_old(store, "0", "a")
    run(store, OLD, State.STARTING, State.SUCCEEDED)
    by_old(store, "a", "b")
    job = replace(JOB, job="shop-2", number=2)
    run(store, OLD, State.STARTING, State.RUNNING, jobs=(job,))
    by_old(store, "b", "c")
    return store


def test_history_what_runs_and_what_waits_go_over_and_nothing_is_left(running: Store) -> None:
    assert rename(running) is RenameResult.RENAMED

    states = {number: deploy.state for number, deploy in history(running).items()}
    assert states == {1: State.SUCCEEDED, 2: State.RUNNING, 3: State.PENDING}
    assert history(running)[2].job == "shop-2"
    seen = hold(running, NEW)
    assert [facts.job for facts in seen.jobs] == ["shop-2"]
    assert (seen.attempted, seen.succeeded, seen.spec) == (2, 1, spec())
    assert [target for target, _ in Observations(running).known_jobs()] == [NEW]
    assert left_of(running, OLD) == []


def test_it_is_woken_under_its_new_name(running: Store) -> None:
    done = Renaming(running).rename(OLD, spec())

    assert isinstance(done.wake_up, WakeUp)
    assert (done.wake_up.target, done.wake_up.why) == (NEW, "it was shop")
    assert running.client.zscore(running.keys.due, NEW) is not None


def test_numbering_goes_on(running: Store) -> None:
    rename(running)
    run(running, NEW, State.SUCCEEDED)
    run(running, NEW, State.STARTING, State.SUCCEEDED)

    assert by_new(running, "c", "d").deploy == "web-shop/4"


def test_a_concurrency_slot_and_a_wait_in_line_go_over(running: Store) -> None:
    keys, client = running.keys, running.client
    client.hset(keys.running, OLD, "ns")
    client.zadd(keys.waiting, {OLD: 7})
    client.hset(keys.waiters, OLD, "ns 0")

    rename(running)

    assert client.hgetall(keys.running) == {NEW: "ns"}
    assert (client.zscore(keys.waiting, NEW), client.zcard(keys.waiting)) == (7.0, 1)
    assert client.hgetall(keys.waiters) == {NEW: "ns 0"}


def test_a_pause_goes_over(running: Store) -> None:
    Operations(running).pause(OLD, "ann", "migration")

    rename(running)

    assert "ann" in hold(running, NEW).paused


def test_a_rename_alone_is_no_change_of_the_job(running: Store) -> None:
    rename(running)

    assert Publisher(running).publish([spec()]) == []
    assert len(history(running)) == 3


def test_late_and_repeated_pushes_do_not_roll_back(running: Store) -> None:
    first = by_old(running, "c", "d", delivery="one")
    rename(running)

    assert by_new(running, "a", "b").outcome is Outcome.DUPLICATE
    assert by_new(running, "a", "b", at=1).outcome is Outcome.STALE
    repeated = by_new(running, "c", "d", delivery="one")
    assert (first.deploy, repeated.deploy) == ("shop/3", "web-shop/3")
    assert "came before" in repeated.reason
    assert history(running)[3].commit == sha("d")


def test_until_then_pushes_go_where_the_row_is_under_either_name(running: Store) -> None:
    result = by_new(running, "c", "d")

    assert (result.target, result.deploy) == (NEW, "web-shop/3")
    assert history(running, OLD)[3].commit == sha("d")
    assert left_of(running, NEW) == []
    assert by_new(running, "a", "b", at=1).outcome is Outcome.STALE


def test_after_that_too_for_a_while(running: Store) -> None:
    rename(running)

    result = by_old(running, "c", "d")

    assert (result.target, result.deploy) == (NEW, "web-shop/3")
    assert left_of(running, OLD) == []
    assert by_old(running, "a", "b", at=1).outcome is Outcome.STALE


def test_what_comes_later_still_is_moved_by_the_next_look(client: Any, keys: Keys) -> None:
    store = Store(client, keys, Retention(renamed=0))
    by_old(store, "0", "a")
    rename(store)
    run(store, NEW, State.STARTING, State.SUCCEEDED)
    assert by_old(store, "a", "b").deploy == "shop/1"
    assert Renaming(store).left_behind([OLD, NEW]) == [OLD, NEW]

    assert rename(store) is RenameResult.RENAMED

    found = {n: (d.state, d.commit) for n, d in history(store).items()}
    assert found == {1: (State.SUCCEEDED, sha("a")), 2: (State.PENDING, sha("b"))}
    assert left_of(store, OLD) == []
    assert by_new(store, "b", "c").deploy == "web-shop/2"


def test_a_wake_up_that_comes_with_the_old_name_leaves_nothing_for_long(running: Store) -> None:
    rename(running)
    seen = hold(running, OLD)
    assert (seen.deploys, seen.jobs, seen.spec) == ((), (), None)
    Targets(running).record(seen, "mine", release=True)

    assert by_new(running, "c", "d").deploy == "web-shop/3"
    assert rename(running) is RenameResult.RENAMED
    assert left_of(running, OLD) == []
    assert set(history(running)) == {1, 2, 3}


@pytest.mark.parametrize("held", [OLD, NEW])
def test_nothing_moves_while_a_worker_is_at_it(running: Store, held: str) -> None:
    seen = hold(running, held)

    assert rename(running) is RenameResult.HELD
    assert set(history(running, OLD)) == {1, 2, 3}

    Targets(running).record(seen, "mine", release=True)
    assert rename(running) is RenameResult.RENAMED


def test_a_worker_whose_lease_ran_out_writes_nothing_any_more(client: Any, keys: Keys) -> None:
    store = Store(client, keys, timeouts=Timeouts(lease=1))
    by_old(store, "0", "a")
    seen = hold(store, OLD)
    while rename(store) is not RenameResult.RENAMED:
        pass

    with pytest.raises(Exception, match="another worker holds shop"):
        Targets(store).record(
            seen, "mine", deploys=[replace(seen.deploys[0], state=State.STARTING)]
        )


def test_a_watcher_that_no_longer_leads_renames_nothing(running: Store) -> None:
    Leadership(running, "another").acquire()

    with pytest.raises(LeadershipLost):
        Renaming(running.fenced("me")).rename(OLD, spec())

    assert left_of(running, NEW) == []


def test_done_again_it_changes_nothing(running: Store) -> None:
    rename(running)
    before = running.client.hgetall(running.keys.row(NEW)), history(running)

    assert Renaming(running).rename(OLD, spec()).wake_up is None
    assert (running.client.hgetall(running.keys.row(NEW)), history(running)) == before


def test_renamed_back_and_on(running: Store) -> None:
    rename(running)
    assert rename(running, NEW, OLD) is RenameResult.RENAMED
    assert set(history(running, OLD)) == {1, 2, 3}
    assert left_of(running, NEW) == []

    rename(running)
    rename(running, NEW, "store")

    assert set(history(running, "store")) == {1, 2, 3}
    names = {former: present.name for former, present in Renaming(running).names().items()}
    assert names == {OLD: "store", NEW: "store"}
    assert hand_in(running, push("c", "d"), OLD).deploy == "store/3"


def test_a_name_that_has_started_deploys_of_its_own_keeps_them(running: Store) -> None:
    hand_in(running, push("0", "x"), NEW)
    run(running, NEW, State.STARTING, State.SUCCEEDED)

    assert rename(running) is RenameResult.USED
    assert by_new(running, "x", "y").deploy == "web-shop/2"
    assert set(history(running, OLD)) == {1, 2, 3}


def test_the_history_of_another_target_is_not_taken_away(running: Store) -> None:
    rename(running)

    assert rename(running, OLD, "store") is RenameResult.USED
    assert Renaming(running).names()[OLD].name == NEW


def test_what_waits_under_the_new_name_goes_behind_what_the_old_one_had(running: Store) -> None:
    """It was used before somebody thought of saying what it was renamed from."""
    hand_in(running, push("c", "d"), NEW)
    hand_in(running, push("0", "x", ref="refs/heads/x"), NEW)
    Operations(running).cancel(NEW, 2, "ann", "")

    assert rename(running) is RenameResult.RENAMED

    found = {n: (d.state, d.commit) for n, d in history(running).items()}
    assert found[3] == (State.PENDING, sha("c"))
    assert found[4] == (State.PENDING, sha("d"))
    assert set(found) == {1, 2, 3, 4}
    chain = running.client.hgetall(running.keys.chain(NEW, MAIN))
    assert (chain[f"head {MAIN}"], chain["last"]) == (sha("d"), "4")
    assert by_new(running, "b", "c", at=1).outcome is Outcome.STALE


def test_names_that_are_not_in_use_are_told_apart_from_those_that_are(running: Store) -> None:
    by_old_other = hand_in(running, push("0", "a"), "shop-2")
    hand_in(running, push("0", "a"), "shop")
    rename(running)

    assert by_old_other.deploy == "shop-2/1"
    assert set(history(running, "shop-2")) == {1}


def test_a_name_that_another_target_gets_is_forgotten(running: Store) -> None:
    rename(running)

    Renaming(running).forget([OLD])

    assert Renaming(running).names() == {}
    assert hand_in(running, push("0", "a"), OLD).deploy == "shop/1"


def test_a_target_that_was_about_to_expire_stays(running: Store) -> None:
    running.client.expire(running.keys.row(OLD), 60)
    running.client.expire(running.keys.deploys(OLD), 60)

    rename(running)

    assert running.client.ttl(running.keys.row(NEW)) == -1
    assert running.client.ttl(running.keys.deploys(NEW)) == -1
    assert running.client.pttl(running.keys.chain(NEW, MAIN)) > 0


def test_what_is_written_stays_to_the_letter(running: Store) -> None:
    raw = running.client.hget(running.keys.deploys(OLD), "1")
    assert raw is not None
    odd = replace(msgspec.json.decode(raw, type=Deploy), title='"target":"shop" ü', deliveries=())
    text = msgspec.json.encode(odd).decode()[:-1] + ',"deliveries":[],"exit_code":null}'
    running.client.hset(running.keys.deploys(OLD), "1", text)

    rename(running)

    assert history(running)[1] == replace(odd, target=NEW)


STEPS = st.sampled_from(["old", "new", "rename", "work", "fail"])


@examples(80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=3, max_size=14))
def test_whoever_knows_which_name_the_newest_commit_is_left_and_numbers_never_repeat(
    store: Store, steps: list[str]
) -> None:
    clear(store)
    commits = ["0"]
    numbers: list[int] = []
    for step in steps:
        if step in ("old", "new"):
            commits.append(f"c{len(commits)}")
            hand = by_old if step == "old" else by_new
            taken = hand(store, commits[-2], commits[-1])
            numbers.append(int(taken.deploy.rpartition("/")[2]))
        elif step == "rename":
            rename(store)
        else:
            work(store, State.SUCCEEDED if step == "work" else State.FAILED)
    rename(store)

    assert numbers == sorted(numbers)
    assert left_of(store, OLD) == []
    if len(commits) > 1:
        newest = history(store)[max(numbers)]
        assert newest.commit == sha(commits[-1])


def work(store: Store, end: State) -> None:
    """A worker takes what waits, under whatever name it is, to its end."""
    for target in Schedule(store).with_open_deploys([OLD, NEW]):
        run(store, target, State.STARTING, end)


def clear(store: Store) -> None:
    """A target that is published, and was never pushed to."""
    for key in store.client.scan_iter(f"{store.keys.prefix}*"):
        store.client.delete(key)
    Publisher(store).publish([spec(OLD)])
