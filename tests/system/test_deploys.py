"""The life of deploys, from the push to the clean cluster: real processes, the local cluster."""

from __future__ import annotations

from tests.system.installation import Installation, sha
from tests.waiting import eventually

STUBBORN = "trap '' TERM; [ $DEPLOY_NUMBER = 2 ] || { sleep 60 & wait; wait; sleep 60; }"
MARK = 'echo "$GIT_COMMIT" > "$MARKERS/$DEPLOY_TARGET-$DEPLOY_NUMBER"'


def test_a_normal_deploy_runs_its_commit_and_cleans_up(system: Installation) -> None:
    target = system.target("normal", MARK)

    answer = target.push("0", "a")

    assert answer["outcome"] == "accepted"
    target.until(1, "succeeded")
    assert (system.markers / "normal-1").read_text().strip() == sha("a")
    assert target.is_clean()


def test_a_newer_push_stops_what_runs_and_starts_when_its_last_pod_is_gone(
    system: Installation,
) -> None:
    target = system.target("superseded", f"{MARK}; [ $DEPLOY_NUMBER = 2 ] || sleep 60")
    target.push("0", "a")
    target.until(1, "running")

    target.push("a", "b")

    stopped = target.until(1, "superseded")
    assert stopped.superseded_by == 2
    target.until(2, "succeeded")
    assert target.overlaps() == []
    assert target.is_clean()


def test_a_burst_while_one_runs_makes_at_most_one_more(system: Installation) -> None:
    target = system.target("burst", f"{MARK}; sleep 4", on_new_push="wait")
    target.push("0", "c0")
    target.until(1, "running")

    for count in range(20):
        target.push(f"c{count}", f"c{count + 1}")

    assert [deploy.number for deploy in target.settled()] == [2, 1]
    assert target.deploy(2).commit == sha("c20")
    assert target.overlaps() == []


def test_a_failed_deploy_keeps_its_job_and_tells_why(system: Installation) -> None:
    target = system.target("failing", "echo 'no such table' >&2; exit 7")

    target.push("0", "a")

    failed = target.until(1, "failed")
    assert failed.exit_code == 7
    assert "no such table" in failed.log_tail
    assert "exited with 7" in failed.why
    assert [job["metadata"]["name"] for job in target.jobs()] == ["failing-1"]


def test_after_a_fix_succeeds_no_old_failed_job_remains(system: Installation) -> None:
    target = system.target("fixed", f'[ "$GIT_COMMIT" = {sha("good")} ]')
    target.push("0", "bad")
    target.until(1, "failed")

    target.push("bad", "good")

    target.until(2, "succeeded")
    assert target.is_clean()
    assert target.deploy(1).state == "failed"


def test_failed_jobs_are_bounded(system: Installation) -> None:
    target = system.target("bounded", "exit 1", keep_failed=2)
    for before, after in ("0a", "ab", "bc", "cd"):
        target.push(before, after)
        target.settled()

    def names() -> list[str]:
        return sorted(job["metadata"]["name"] for job in target.jobs())

    assert eventually(lambda: names() == ["bounded-3", "bounded-4"]), names()


def test_a_job_that_someone_deletes_is_lost_and_says_so(system: Installation) -> None:
    target = system.target("deleted", "sleep 60", start_attempts=1)
    target.push("0", "a")
    target.until(1, "running")

    path = "/apis/batch/v1/namespaces/default/jobs/deleted-1"
    system.kube.request("DELETE", path, params={"propagationPolicy": "Background"})

    lost = target.until(1, "lost")
    assert "somebody or something else deleted it" in lost.why
    assert target.is_clean()


def test_a_pod_that_outlives_its_jobs_deletion_is_waited_for(system: Installation) -> None:
    target = system.target(
        "outlived", "trap '' TERM; sleep 3 & wait; sleep 3", job={"stop_grace": "4s"}
    )
    target.push("0", "a")
    target.until(1, "running")

    path = "/apis/batch/v1/namespaces/default/jobs/outlived-1"
    system.kube.request("DELETE", path, params={"propagationPolicy": "Background"})
    target.push("a", "b")

    assert target.until(1, "lost", "superseded")
    assert target.until(2, "succeeded")
    assert target.overlaps() == []


def test_many_targets_deploy_side_by_side(system: Installation) -> None:
    targets = [system.target(f"many-{n}", "sleep 0.5") for n in range(6)]

    for target in targets:
        target.push("0", "a")

    assert all(target.until(1, "succeeded", seconds=30) for target in targets)
    assert all(target.is_clean() for target in targets)


def test_a_job_that_the_api_server_refuses_fails_with_its_words(system: Installation) -> None:
    target = system.target("refused", namespace="nowhere", start_attempts=1)

    target.push("0", "a")

    failed = target.until(1, "failed")
    assert "nowhere" in failed.why


def test_reordered_pushes_end_at_the_last(system: Installation) -> None:
    target = system.target("reordered", MARK)
    target.push("0", "a")
    target.settled()

    for before, after in ("cd", "ab", "bc"):
        target.push(before, after)

    newest = target.settled()[0]
    assert newest.commit == sha("d")
    assert (system.markers / f"reordered-{newest.number}").read_text().strip() == sha("d")
