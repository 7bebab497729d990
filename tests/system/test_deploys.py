"""What else becomes of deploys: real processes, the local cluster. The usual stories are in test_scenarios."""

from __future__ import annotations

from tests.system.installation import Installation, sha
from tests.waiting import eventually

MARK = 'echo "$GIT_COMMIT" > "$MARKERS/$DEPLOY_TARGET-$DEPLOY_NUMBER"'


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


def test_a_job_that_the_api_server_refuses_fails_with_its_words(system: Installation) -> None:
    target = system.target("refused", namespace="nowhere", start_attempts=1)

    target.push("0", "a")

    failed = target.until(1, "failed")
    assert "nowhere" in failed.why
