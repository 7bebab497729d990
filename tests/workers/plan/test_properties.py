"""Whatever the ledger holds, the plan is legal, and keeps the promises as far as it can see."""

from __future__ import annotations

from dataclasses import replace as replaced

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.snapshot import Snapshot
from dispatcher.domain.spec import Policies, Spec
from dispatcher.domain.transitions import FIRST, TRANSITIONS
from tests.examples import examples
from workers.plan import changed_deploy, lookup, plan
from workers.plan.active_deploy import after_failure, explained_by_events
from workers.plan.steps import (
    Change,
    Create,
    Delete,
    DiagnoseFailure,
    ListPods,
    ReadEvents,
    ReserveName,
    Step,
    Stop,
    Wait,
)

NOW = 1_000_000_000
STREAMS = ("refs/heads/main", "refs/heads/next")


@st.composite
def deploys(draw: st.DrawFn, number: int) -> Deploy:
    stream = draw(st.sampled_from(STREAMS))
    deploy = Deploy(
        target="shop",
        number=number,
        state=draw(st.just(State.PENDING) | st.sampled_from(planning_states())),
        stream=stream,
        ref=stream,
        commit="c" * 40,
        reason=draw(st.sampled_from(Reason)),
        supersedes=draw(st.integers(0, 6)),
        superseded_by=draw(st.sampled_from([0, number + 1])),
        ended_at=NOW - draw(st.integers(0, 10**9)),
        delete_sent_at=draw(st.sampled_from([0, NOW, NOW - 60_000])),
    )
    if deploy.state is State.PENDING:
        return deploy
    uid = draw(st.sampled_from(["", f"uid-{number}"]))
    if deploy.state in (State.RUNNING, State.STOPPING):
        uid = f"uid-{number}"
    started = changed_deploy.attempted(deploy, "t", "ns")
    return replace(started, state=deploy.state, uid=uid)


def planning_states() -> list[State]:
    return [state for state in State if state is not State.PENDING]


@st.composite
def jobs(draw: st.DrawFn, number: int) -> ObservedJob:
    return ObservedJob(
        namespace="ns",
        job=f"shop-{number}",
        uid=draw(st.sampled_from([f"uid-{number}", "another"])),
        number=number,
        token=draw(st.sampled_from(["t", "other", ""])),
        reserves_name=draw(st.booleans()),
        created_at=NOW - draw(st.integers(0, 10**6)),
        deleting=draw(st.booleans()),
        gone=draw(st.booleans()),
        outcome=draw(st.sampled_from(["", "succeeded", "failed"])),
        started=draw(st.booleans()),
        live_pods=draw(st.integers(0, 2)),
    )


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """At most one deploy is active, as the ledger sees to."""
    numbers = range(1, 1 + draw(st.integers(0, 4)))
    found, active = [], False
    for number in numbers:
        deploy = draw(deploys(number))
        if deploy.active and active:
            deploy = replace(deploy, state=State.FAILED)
        active = active or deploy.active
        found.append(deploy)
    spec = Spec(
        target="shop",
        repository="r",
        namespace="ns",
        policies=Policies(
            on_new_push=draw(st.sampled_from(["cancel", "wait"])),
            keep_failed=draw(st.integers(0, 2)),
        ),
        manifest={},
        digest="d",
    )
    return Snapshot(
        target="shop",
        now=NOW,
        version=1,
        spec=draw(st.sampled_from([spec, None])),
        listed=draw(st.booleans()),
        deploys=tuple(found),
        jobs=tuple(draw(jobs(number)) for number in numbers if draw(st.booleans())),
        succeeded=draw(st.integers(0, 4)),
    )


def written(seen: Snapshot, step: Step) -> tuple[Deploy, ...]:
    match step:
        case Change(deploys=changed) | Stop(deploys=changed):
            return changed
        case Create(deploy=deploy):
            return (deploy,)
        case DiagnoseFailure(deploy=deploy, job=observed):
            return (after_failure(seen, deploy, observed),)
        case ReadEvents(deploy=deploy):
            return (explained_by_events(seen, deploy, None),)
        case _:
            return ()


@examples(100)
@given(seen=snapshots(), live_pods=st.sampled_from([None, 0, 1]))
def test_every_step_is_legal(seen: Snapshot, live_pods: int | None) -> None:
    step = plan(seen, "new", live_pods)

    before = {deploy.number: deploy.state for deploy in seen.deploys}
    for deploy in written(seen, step):
        legal = TRANSITIONS[before[deploy.number]] if deploy.number in before else FIRST
        assert deploy.state in legal, step


@examples(100)
@given(seen=snapshots(), live_pods=st.sampled_from([None, 0, 1]))
def test_nothing_starts_beside_another(seen: Snapshot, live_pods: int | None) -> None:
    step = plan(seen, "new", live_pods)

    if isinstance(step, Create):
        assert not any(deploy.active for deploy in seen.deploys)
        assert all(job.outcome or job.all_gone or job.reserves_name for job in seen.jobs)
        assert seen.listed


@examples(100)
@given(seen=snapshots())
def test_a_stream_goes_in_order_and_behind_what_starts_waits_no_more_than_a_redeploy(
    seen: Snapshot,
) -> None:
    step = plan(seen, "new")

    if isinstance(step, Create):
        stream = [d for d in seen.deploys if d.stream == step.deploy.stream]
        first, *behind = (d for d in stream if d.state is State.PENDING)
        assert step.deploy.number == first.number
        assert [d.reason for d in behind] in ([], [Reason.REDEPLOY])
        assert first.reason is not Reason.REDEPLOY or not behind


@examples(100)
@given(seen=snapshots())
def test_what_waits_for_a_push_gives_way_to_nothing_that_a_person_asked_for(seen: Snapshot) -> None:
    step = plan(seen, "new")

    reasons = {deploy.number: deploy.reason for deploy in seen.deploys}
    for deploy in written(seen, step):
        if deploy.state is State.SUPERSEDED and deploy.superseded_by in reasons:
            newer = reasons[deploy.superseded_by]
            assert newer is not Reason.REDEPLOY or deploy.reason is Reason.REDEPLOY, step


@examples(100)
@given(seen=snapshots(), live_pods=st.sampled_from([None, 0, 1]))
def test_what_is_deleted_is_over_or_a_stray(seen: Snapshot, live_pods: int | None) -> None:
    step = plan(seen, "new", live_pods)

    if isinstance(step, Delete) and step.deploy:
        assert step.deploy.terminal
    if isinstance(step, Delete):
        owners = [d for d in seen.deploys if d.active and d.uid == step.job.uid]
        assert not owners or step.job.reserves_name


@examples(100)
@given(seen=snapshots())
def test_a_stop_ends_only_after_pods_were_looked_for(seen: Snapshot) -> None:
    step = plan(seen, "new", None)

    states = {deploy.number: deploy.state for deploy in seen.deploys}
    for deploy in written(seen, step):
        if states.get(deploy.number) is State.STOPPING and deploy.terminal:
            assert deploy.state is State.SUCCEEDED


@examples(100)
@given(seen=snapshots(), live_pods=st.sampled_from([None, 0, 1]))
def test_steps_end(seen: Snapshot, live_pods: int | None) -> None:  # noqa: C901  # an arm a step
    """Carried out in the ledger alone, with a cluster that does as it is told, it comes to a wait."""
    for _ in range(30):
        step = plan(seen, "new", live_pods)
        match step:
            case Wait():
                return
            case ListPods():
                live_pods = 0
            case Create(deploy=deploy):
                seen = put(seen, changed_deploy.adopted(deploy, "fresh"))
                seen = with_job(seen, deploy, "fresh")
            case ReserveName(deploy=deploy):
                seen = put(seen, replace(deploy, state=State.PENDING))
            case Delete(job=observed, deploy=owner):
                seen = without_job(seen, observed)
                seen = put(seen, replace(owner, delete_sent_at=NOW)) if owner else seen
            case Stop(deploys=changed):
                seen = without_job(put(seen, *changed), lookup.own_job(seen, changed[0]))
            case Change(deploys=changed, dropped=dropped):
                seen = put(seen, *changed)
                for observed in [job for job in seen.jobs if job.key in dropped]:
                    seen = without_job(seen, observed)
            case DiagnoseFailure(deploy=deploy, job=observed):
                seen = put(seen, after_failure(seen, deploy, observed))
            case ReadEvents(deploy=deploy):
                seen = put(seen, explained_by_events(seen, deploy, None))
    raise AssertionError(f"no end: {step}")


def put(seen: Snapshot, *changed: Deploy) -> Snapshot:
    by_number = {d.number: d for d in (*seen.deploys, *changed)}
    return replaced(seen, deploys=tuple(by_number[n] for n in sorted(by_number)))


def with_job(seen: Snapshot, deploy: Deploy, uid: str) -> Snapshot:
    observed = ObservedJob(
        namespace="ns", job=deploy.job, uid=uid, number=deploy.number, token=deploy.token
    )
    return replaced(seen, jobs=(*seen.jobs, observed))


def without_job(seen: Snapshot, observed: ObservedJob | None) -> Snapshot:
    return replaced(seen, jobs=tuple(job for job in seen.jobs if job is not observed))
