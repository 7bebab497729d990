"""What happens to people who deploy, one story after another: from the push to the clean cluster."""

from __future__ import annotations

from typing import Any

import pytest

from tests.system.installation import Installation, sha
from tests.system.outage import Outages
from tests.waiting import eventually

MARK = 'echo "$GIT_COMMIT" > "$MARKERS/$DEPLOY_TARGET-$DEPLOY_NUMBER"'


def test_a_normal_deploy_runs_its_commit_and_cleans_up(system: Installation) -> None:
    target = system.target("normal", MARK)

    answer = target.push("0", "a")

    assert answer["outcome"] == "accepted"
    target.until(1, "succeeded")
    assert (system.markers / "normal-1").read_text().strip() == sha("a")
    assert target.is_clean()


def test_a_new_commit_a_forced_update_and_a_changed_job_are_each_deployed(
    system: Installation,
) -> None:
    target = system.target("life", MARK)

    for number, (before, after) in enumerate((("0", "a"), ("a", "b"), ("b", "x"), ("x", "a")), 1):
        assert target.push(before, after)["outcome"] == "accepted", "x replaces b, then a is back"
        target.until(number, "succeeded")
    system.target("life", f"{MARK}; echo changed")
    changed = target.until(5, "succeeded")

    assert (changed.reason, changed.commit) == ("spec-change", sha("a"))
    ran = [(system.markers / f"life-{n}").read_text().strip() for n in range(1, 6)]
    assert ran == [sha(name) for name in "abxaa"]
    assert target.is_clean()


NO_JOB = """
apiVersion: batch/v1
kind: Job
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - {name: deploy, image: "busybox:1.36", volumeMounts: [{name: no-such-volume, mountPath: /a}]}
"""
BAD = {
    "fails": ({"command": ["sh", "-c", "echo no such table >&2; exit 1"]}, "exited with 1"),
    "has-no-image": ({"image": "registry.invalid/nothing:1"}, "ImagePull"),
    "is-no-job": ({"manifest": "no-job.yaml"}, "no-such-volume"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_configuration_fails_with_its_reason_and_recovers_with_the_fix(
    system: Installation, name: str
) -> None:
    (system.config / "no-job.yaml").write_text(NO_JOB)
    bad, words = BAD[name]
    target = system.target(name, job=bad, start_timeout="1s", start_attempts=1)

    target.push("0", "a")

    failed = target.until(1, "failed")
    assert words in failed.why
    assert kept_for_debugging(target.jobs(), failed.exit_code)

    system.target(name)
    fixed = target.until(2, "succeeded")
    assert (fixed.reason, fixed.commit) == ("spec-change", sha("a"))
    assert target.is_clean()


def kept_for_debugging(jobs: list[dict[str, Any]], exit_code: int | None) -> bool:
    """What has run is kept; what never ran has nothing to show but its reason."""
    return bool(jobs) or exit_code is None


def test_a_slow_job_that_a_newer_change_interrupts_is_gone_before_the_newer_one_starts(
    system: Installation,
) -> None:
    target = system.target("interrupted", f"{MARK}; [ $DEPLOY_NUMBER = 2 ] || sleep 60")
    target.push("0", "a")
    target.until(1, "running")

    target.push("a", "b")

    assert target.until(1, "superseded").superseded_by == 2
    target.until(2, "succeeded")
    assert target.overlaps() == []
    assert target.is_clean()


def test_many_repositories_at_once_each_end_at_their_newest_commit(system: Installation) -> None:
    targets = system.targets([f"many-{n}" for n in range(8)], f"{MARK}; sleep 0.3")

    for before, after in ("0a", "ab", "bc"):
        for target in targets:
            target.push(before, after)

    for target in targets:
        newest = target.settled()[0]
        assert (newest.commit, newest.state) == (sha("c"), "succeeded")
        assert target.overlaps() == []
        assert target.is_clean()


def test_after_a_fix_succeeds_no_old_failed_job_remains(system: Installation) -> None:
    target = system.target("fixed", f'[ "$GIT_COMMIT" = {sha("good")} ]')
    for number, (before, after) in enumerate((("0", "bad"), ("bad", "worse")), 1):
        target.push(before, after)
        target.until(number, "failed")
    assert sorted(job["metadata"]["name"] for job in target.jobs()) == ["fixed-1", "fixed-2"]

    target.push("worse", "good")

    target.until(3, "succeeded")
    assert target.is_clean()
    assert [deploy.state for deploy in target.deploys()] == ["succeeded", "failed", "failed"]


def test_a_pod_that_outlives_its_jobs_deletion_is_waited_for(system: Installation) -> None:
    target = system.target(
        "outlived", "trap '' TERM; sleep 2 & wait; sleep 1", job={"stop_grace": "3s"}
    )
    target.push("0", "a")
    target.until(1, "running")

    path = "/apis/batch/v1/namespaces/default/jobs/outlived-1"
    system.kube.request("DELETE", path, params={"propagationPolicy": "Background"})
    target.push("a", "b")

    assert target.until(1, "lost", "superseded")
    assert target.until(2, "succeeded")
    assert target.overlaps() == []


def test_d_b_and_c_in_that_order_end_at_d(system: Installation) -> None:
    target = system.target("reordered", MARK)
    target.push("0", "a")
    target.settled()

    for before, after in ("cd", "ab", "bc"):
        target.push(before, after)

    newest = target.settled()[0]
    assert newest.commit == sha("d")
    assert (system.markers / f"reordered-{newest.number}").read_text().strip() == sha("d")


def test_a_post_whose_answer_is_lost_is_found_and_not_repeated(outages: Outages) -> None:
    target = outages.system.target("unheard", "sleep 3")

    with outages.proxy.failing(method="POST", path="/jobs", loses_answer=True):
        target.push("0", "a")
        assert eventually(target.pods)

    assert target.until(1, "succeeded").attempt == 1
    assert target.commits_run() == [1]
    assert target.is_clean()


def test_redis_is_emptied_while_ten_deploys_run(outages: Outages) -> None:
    system = outages.system
    targets = system.targets([f"emptied-{n}" for n in range(10)], "sleep 4")
    for target in targets:
        target.push("0", "a")
    for target in targets:
        target.until(1, "running")

    outages.begins()
    system.redis.flushall()
    pushed = targets[0]
    assert eventually(lambda: system.redis.hexists(system.keys.specs, pushed.name))
    answer = pushed.push("a", "b")

    for target in targets[1:]:
        found = target.until(1, "succeeded")
        assert "found in the cluster" in found.note
        assert target.commits_run() == [1]
    assert answer["outcome"] == "accepted"
    newest = pushed.settled()[0]
    assert (newest.commit, newest.state) == (sha("b"), "succeeded")
    assert all(target.overlaps() == [] and target.is_clean() for target in targets)
    assert outages.restarts() == 0
