"""A deploy's log, live and afterwards: web in front, the watcher and the cluster's log endpoint behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.system.installation import Installation, Target
from tests.waiting import eventually

GO = 'until [ -e "$MARKERS/go-$DEPLOY_TARGET" ]; do sleep 0.05; done'


def go_on(system: Installation, target: Target) -> None:
    """Lets a script go on that waits for GO."""
    (system.markers / f"go-{target.name}").touch()


def ask(system: Installation, deploy: str, **query: Any) -> httpx.Response:
    target, number = deploy.split("/")
    return system.web.get(
        f"/api/v1/targets/{target}/deploys/{number}/log", params=query, headers=authorized(system)
    )


def authorized(system: Installation) -> dict[str, str]:
    return {"Authorization": f"Bearer {system.local.token}"}


@dataclass
class Follower:
    """Reads a log's events in a thread."""

    system: Installation
    deploy: str
    query: dict[str, str]
    last_event_id: str = ""
    events: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """Id, name and data of each."""

    def __enter__(self) -> Follower:
        self._thread = threading.Thread(target=self._run)
        self._client = httpx.Client(trust_env=False, timeout=60, verify=False)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._thread.join()

    def _run(self) -> None:
        target, number = self.deploy.split("/")
        headers = {**authorized(self.system), "Accept": "text/event-stream"}
        headers |= {"Last-Event-ID": self.last_event_id} if self.last_event_id else {}
        url = f"{self.system.local.url}/api/v1/targets/{target}/deploys/{number}/log"
        try:
            with self._client.stream("GET", url, params=self.query, headers=headers) as answer:
                self._parse(answer)
        except (httpx.HTTPError, RuntimeError):
            return  # it was closed

    def _parse(self, answer: httpx.Response) -> None:
        fields: dict[str, str] = {}
        for line in answer.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                self.events.append(
                    (fields.get("id", ""), fields["event"], json.loads(fields["data"]))
                )
                fields = {}

    @property
    def lines(self) -> list[str]:
        return [data["text"] for _, event, data in self.events if event == "line"]

    def of(self, name: str) -> list[dict[str, Any]]:
        return [data for _, event, data in self.events if event == name]

    def has_ended(self) -> bool:
        return bool(self.of("end"))


def said(system: Installation, event: str, deploy: str, since: int) -> list[str]:
    """Lines of the product's log, which people read here."""
    return [line for line in system.log[since:] if event in line and deploy in line]


@contextmanager
def following(system: Installation, deploy: str, id: str = "", **query: str) -> Iterator[Follower]:
    with Follower(system, deploy, {"follow": "true", **query}, id) as follower:
        yield follower


def test_a_log_is_followed_from_before_the_start_to_the_end(system: Installation) -> None:
    target = system.target("log-live", f"echo one; {GO}; echo two; printf three")
    target.push("0", "a")

    with following(system, "log-live/1") as follower:
        assert eventually(lambda: follower.lines == ["one"]), follower.events
        go_on(system, target)
        assert eventually(follower.has_ended), follower.events

    assert follower.lines == ["one", "two", "three"]
    assert follower.of("end") == [{"end": "complete", "why": "", "log_url": ""}]
    target.until(1, "succeeded")


def test_all_readers_share_one_relay_and_late_ones_get_it_whole(system: Installation) -> None:
    target = system.target("log-shared", f"seq 100; {GO}; echo end")
    target.push("0", "a")
    since = len(system.log)

    with following(system, "log-shared/1") as first:
        assert eventually(lambda: len(first.lines) == 100)
        so_far = ask(system, "log-shared/1")
        with following(system, "log-shared/1") as second:
            assert eventually(lambda: len(second.lines) == 100)
            go_on(system, target)
            assert eventually(lambda: first.has_ended() and second.has_ended())

    assert so_far.text == "".join(f"{number}\n" for number in range(1, 101))
    assert first.lines == second.lines == [*map(str, range(1, 101)), "end"]
    assert len(said(system, "log is relayed", "log-shared/1", since)) == 1


def test_a_reader_resumes_behind_the_line_that_it_saw_last(system: Installation) -> None:
    target = system.target("log-resumed", f"seq 50; {GO}; seq 51 60")
    target.push("0", "a")
    with following(system, "log-resumed/1") as first:
        assert eventually(lambda: len(first.lines) == 50)
    (last,) = [id for id, _, data in first.events if data.get("text") == "30"]

    with following(system, "log-resumed/1", last) as second:
        assert eventually(lambda: len(second.lines) == 20), second.events
        go_on(system, target)
        assert eventually(second.has_ended)

    assert second.lines == [*map(str, range(31, 61))]


def test_a_failed_deploy_gives_its_whole_log_while_its_job_is_there(system: Installation) -> None:
    target = system.target("log-failed", "seq 3000; echo 'no such table' >&2; exit 7")
    target.push("0", "a")
    target.until(1, "failed")

    answer = ask(system, "log-failed/1")

    assert (answer.status_code, answer.headers["content-type"]) == (
        200,
        "text/plain; charset=utf-8",
    )
    assert answer.text == "".join(f"{number}\n" for number in range(1, 3001)) + "no such table\n"


def test_of_a_failed_deploy_without_a_job_the_end_is_kept(system: Installation) -> None:
    target = system.target("log-kept", "seq 300; exit 7", keep_failed=0)
    target.push("0", "a")
    target.until(1, "failed")
    assert target.is_clean()

    lines = ask(system, "log-kept/1").text.splitlines()

    assert lines[:-1] == [*map(str, range(201, 301))]
    assert lines[-1] == (
        "[git-dispatcher: log-kept/1 has no Pod any more: this is what was kept of the end of its log]"
    )


def test_a_succeeded_deploy_whose_pod_is_gone_says_so(system: Installation) -> None:
    target = system.target("log-gone", "echo done")
    target.push("0", "a")
    target.until(1, "succeeded")
    assert target.is_clean()

    answer = ask(system, "log-gone/1")

    assert (answer.status_code, answer.json()["code"]) == (410, "log_gone")


def test_a_container_is_chosen_by_its_name(system: Installation) -> None:
    manifest = system.config / "log-chosen-job.yaml"
    container = (
        '{name: NAME, image: "busybox:1.36", command: [sh, -c, "echo from NAME; exit CODE"]}'
    )
    prepare = container.replace("NAME", "prepare").replace("CODE", "0")
    work = container.replace("NAME", "work").replace("CODE", "1")
    manifest.write_text(
        "apiVersion: batch/v1\nkind: Job\nspec: {template: {spec: {"
        f"restartPolicy: Never, initContainers: [{prepare}], containers: [{work}]"
        "}}}\n"
    )
    target = system.target(
        "log-chosen", job={"manifest": manifest.name, "clone": False, "timeout": "1m"}
    )
    target.push("0", "a")
    target.until(1, "failed")

    assert ask(system, "log-chosen/1").text == "from prepare\nfrom work\n"
    assert ask(system, "log-chosen/1", container="prepare").text == "from prepare\n"
    refused = ask(system, "log-chosen/1", container="deploy")
    assert refused.status_code == 404
    assert refused.json()["code"] == "unknown_container"
    assert refused.json()["detail"] == "There is no container 'deploy': choose prepare, work"


def test_what_is_no_text_does_no_harm(system: Installation) -> None:
    script = r"printf 'a\377b\000c\n\033[31mred\rX\n'; head -c 40000 /dev/zero | tr '\0' x; exit 1"
    target = system.target("log-bytes", script)
    target.push("0", "a")
    target.until(1, "failed")

    with following(system, "log-bytes/1") as follower:
        assert eventually(follower.has_ended)

    first, second, long = follower.lines
    assert (first, second) == ("a\ufffdb\x00c", "\x1b[31mred\rX")
    assert long == "x" * 16_384 + " … 23616 bytes left out"


def test_whoever_leads_next_relays_on(system: Installation) -> None:
    target = system.target("log-taken-over", f"seq 20; {GO}; seq 21 40")
    target.push("0", "a")

    with following(system, "log-taken-over/1") as follower:
        assert eventually(lambda: len(follower.lines) == 20)
        since = len(system.log)
        watcher = system.process("watcher").process
        assert watcher is not None
        watcher.kill()
        assert eventually(lambda: said(system, "log is relayed", follower.deploy, since))
        go_on(system, target)
        assert eventually(follower.has_ended), follower.events

    assert follower.lines == [*map(str, range(1, 41))]
    assert follower.of("gap") == []


def test_a_relay_ends_soon_after_its_last_reader_has_gone(system: Installation) -> None:
    target = system.target("log-left", f"echo one; {GO}")
    target.push("0", "a")
    since = len(system.log)
    with following(system, "log-left/1") as follower:
        assert eventually(lambda: follower.lines == ["one"])

    ended = "log is not relayed any more"
    assert eventually(lambda: said(system, ended, "log-left/1", since))
    go_on(system, target)
    target.until(1, "succeeded")


def test_a_token_reads_the_logs_of_its_targets_only(system: Installation) -> None:
    target = system.target("log-secret", "exit 1")
    target.push("0", "a")
    target.until(1, "failed")
    made = system.web.post(
        "/api/v1/tokens",
        json={"name": "docs-only", "role": "read", "targets": ["docs-*"]},
        headers=authorized(system),
    ).json()

    answer = system.web.get(
        "/api/v1/targets/log-secret/deploys/1/log",
        headers={"Authorization": f"Bearer {made['token']}"},
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_target")


def command(system: Installation, *arguments: str) -> subprocess.Popen[str]:
    """`git-dispatcher logs` as somebody runs it."""
    return subprocess.Popen(
        [sys.executable, "-m", "dispatcher.cli", "logs", *arguments],
        env={
            **os.environ,
            "DISPATCHER_URL": system.local.url,
            "DISPATCHER_API_TOKEN": system.local.token,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_follows_a_log_across_a_restart_of_web(system: Installation) -> None:
    target = system.target("log-command", f"seq 5; {GO}; seq 6 10")
    target.push("0", "a")
    follower = command(system, "-f", "log-command/1")
    assert follower.stdout is not None
    first = [follower.stdout.readline() for _ in range(5)]

    web = system.process("web").process
    assert web is not None
    web.kill()
    assert eventually(system.answers)
    go_on(system, target)
    rest, remarks = follower.communicate(timeout=60)

    assert follower.returncode == 0, remarks
    assert "".join(first) + rest == "".join(f"{number}\n" for number in range(1, 11))
    assert "trying again" in remarks


def test_ctrl_c_ends_the_command(system: Installation) -> None:
    target = system.target("log-interrupted", f"echo one; {GO}")
    target.push("0", "a")
    follower = command(system, "-f", "log-interrupted/1", "--timestamps")
    assert follower.stdout is not None
    line = follower.stdout.readline()

    follower.send_signal(signal.SIGINT)
    out, remarks = follower.communicate(timeout=60)

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z one\n", line)
    assert (follower.returncode, out) == (0, "")
    assert "Traceback" not in remarks
    go_on(system, target)
    target.until(1, "succeeded")
