"""What operators do while deploys wait and run: the API in front, everything real behind it."""

from __future__ import annotations

from typing import Any

from tests.system.installation import Installation, sha
from tests.waiting import eventually


def ask(system: Installation, path: str, **body: Any) -> dict[str, Any]:
    """POSTs to the API; the answer's body."""
    headers = {"Authorization": f"Bearer {system.local.token}"}
    answer = system.web.post(f"/api/v1/{path}", json={"by": "ann", **body}, headers=headers)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def test_a_running_deploy_that_is_cancelled_is_gone_within_seconds(system: Installation) -> None:
    target = system.target("cancelled", "sleep 60")
    target.push("0", "a")
    target.until(1, "running")

    answer = ask(system, "targets/cancelled/deploys/1/cancel", reason="wrong customer")

    assert answer["outcome"] == "stopping"
    over = target.until(1, "cancelled")
    assert over.why == "cancelled by ann: wrong customer"
    assert target.is_clean()
    assert target.push("a", "b")["deploy"] == "cancelled/2"


def test_paused_pushes_are_held_and_merged_and_run_on_resume(system: Installation) -> None:
    target = system.target("paused", "true")
    ask(system, "targets/paused/pause", reason="migration")

    outcomes = [target.push(before, after)["outcome"] for before, after in ("0a", "ab", "bc")]

    assert outcomes == ["held"] * 3
    assert eventually(lambda: trouble(system, "paused") == "paused by ann: migration")
    assert [deploy.state for deploy in target.deploys()] == ["pending"]
    assert target.jobs() == []

    ask(system, "targets/paused/resume")

    done = target.until(1, "succeeded")
    assert (done.commit, done.merged) == (sha("c"), 2)


def test_a_waiting_deploy_that_is_cancelled_never_starts(system: Installation) -> None:
    target = system.target("never", "true")
    ask(system, "targets/never/pause")
    target.push("0", "a")

    assert ask(system, "targets/never/deploys/1/cancel")["outcome"] == "cancelled"
    ask(system, "targets/never/resume")
    target.push("a", "b")

    target.until(2, "succeeded")
    assert target.deploy(1).state == "cancelled"
    assert target.commits_run() == [2]


def test_a_changed_job_is_deployed_anew_and_a_changed_policy_is_not(system: Installation) -> None:
    target = system.target("changed", "echo one")
    target.push("0", "a")
    target.until(1, "succeeded")

    system.target("changed", "echo one", keep_failed=1)
    assert len(target.deploys()) == 1
    system.target("changed", "echo two")

    anew = target.until(2, "succeeded")
    assert (anew.reason, anew.commit) == ("spec-change", sha("a"))
    assert len(target.deploys()) == 2


def test_an_earlier_deploy_is_run_again_to_roll_back(system: Installation) -> None:
    target = system.target("back", "true")
    for number, (before, after) in enumerate((("0", "a"), ("a", "b")), 1):
        target.push(before, after)
        target.until(number, "succeeded")

    answer = ask(system, "targets/back/redeploy", deploy=1, reason="back/2 is broken")

    assert (answer["outcome"], answer["deploy"]) == ("accepted", "back/3")
    done = target.until(3, "succeeded")
    assert (done.commit, done.reason) == (sha("a"), "redeploy")
    assert (done.requested_by, done.note) == ("ann", "back/2 is broken")
    assert target.push("b", "c")["outcome"] == "accepted", "the branch is where it was"
    assert target.until(4, "succeeded").commit == sha("c")
    assert target.overlaps() == []


def test_every_push_runs_in_its_turn(system: Installation) -> None:
    target = system.target("each", "sleep 0.3", on_new_push="every")

    for before, after in ("0a", "ab", "bc"):
        assert target.push(before, after)["outcome"] == "accepted"

    assert [deploy.state for deploy in target.settled()] == ["succeeded"] * 3
    assert target.commits_run() == [1, 2, 3]
    assert target.overlaps() == []


def test_pushes_that_come_together_are_waited_for(system: Installation) -> None:
    target = system.target("quiet", "true", quiet_period="2s")

    for before, after in ("0a", "ab", "bc"):
        target.push(before, after)

    (only,) = target.settled()
    assert (only.commit, only.state) == (sha("c"), "succeeded")
    assert only.starting_at - only.wanted_at >= 1_900


def trouble(system: Installation, name: str) -> str:
    found = system.redis.hget(system.keys.row(name), "trouble")
    return str(found or "")
