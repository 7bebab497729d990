"""`git-dispatcher up` as somebody who tries it runs it: a process of its own, started, stopped, killed."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.waiting import eventually

UP = (sys.executable, "-m", "dispatcher.cli", "up")


@contextmanager
def running(state: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`up` with its state in `state`, once it says that it is up; killed at the end."""
    log = state.with_suffix(".log")
    with log.open("w") as output:
        process = subprocess.Popen(
            [*UP, "--state-dir", str(state), *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            assert eventually(lambda: "is up." in log.read_text()), log.read_text()
            yield process
        finally:
            process.kill()
            process.wait()


def processes_of(state: Path) -> list[str]:
    """Command lines of live processes that mention the state directory or have it in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (folder / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if line and str(state) in line + environment and int(folder.name) != os.getpid():
            found.append(line)
    return found


def test_it_starts_deploys_a_push_and_stops_cleanly(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(state) as up:
        log = state.with_suffix(".log").read_text()
        assert "overcommit" not in log
        assert copied(log, tmp_path) == ["git-dispatcher", "git-dispatcher", "rq"]
        deployed = push_to_hello(state, tmp_path / "work")
        assert eventually(lambda: newest_state(state) == "succeeded"), newest_state(state)
        assert newest(state)["commit"] == deployed
        assert_metrics(log)

        up.send_signal(signal.SIGTERM)

        assert up.wait(20) == 0
    assert processes_of(state) == []
    assert "stopped" in state.with_suffix(".log").read_text()


def test_killed_it_leaves_no_process_behind(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(state) as up:
        assert len(processes_of(state)) >= 4

        up.send_signal(signal.SIGKILL)
        up.wait()

        assert eventually(lambda: processes_of(state) == []), processes_of(state)


def test_the_state_stays_and_a_part_that_dies_comes_back(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(state) as up:
        push_to_hello(state, tmp_path / "work")
        assert eventually(lambda: newest_state(state) == "succeeded")
        up.send_signal(signal.SIGTERM)
        assert up.wait(20) == 0
    with running(state):
        assert newest_state(state) == "succeeded"
        log = state.with_suffix(".log")

        pid = next(pid for pid in web_processes(state))
        os.kill(pid, signal.SIGKILL)

        assert eventually(lambda: "starting it again" in log.read_text())
        assert eventually(lambda: answers(state))


def test_taken_ports_and_a_taken_directory(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(state, "--port", str(port)):
            assert not client_of(state)["url"].endswith(f":{port}")

            second = subprocess.run(
                [*UP, "--state-dir", str(state)], capture_output=True, text=True, check=False
            )

    assert second.returncode == 2
    assert "runs already" in second.stderr


def assert_metrics(welcome: str) -> None:
    """Each process serves its metrics where the welcome says; together they know of the deploy."""
    urls = dict(re.findall(r"^  (\S+) +(http://127\.0\.0\.1:\d+/metrics)$", welcome, re.MULTILINE))
    assert sorted(urls) == ["watcher", "web", "worker.1", "worker.2"]
    assert len(set(urls.values())) == len(urls)
    texts = {name: httpx.get(url, trust_env=False, verify=False).text for name, url in urls.items()}
    ended = 'deploy_states_total{cause="",namespace="default",state="succeeded",target="hello"} 1.0'
    assert ended in texts["watcher"]
    workers = texts["worker.1"] + texts["worker.2"]
    assert 'kubernetes_requests_total{code="201",resource="jobs",verb="create"} 1.0' in workers
    for phase in ("waiting", "starting", "running"):
        assert f'phase_duration_seconds_count{{namespace="default",phase="{phase}"}} 1.0' in workers


def copied(welcome: str, elsewhere: Path) -> list[str]:
    """Runs the commands of the welcome as somebody does who copies them into another terminal."""
    lines = [line for line in welcome.splitlines() if line.startswith(("  /", "  '/"))]
    for line in lines:
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=elsewhere,
            env={"PATH": "/usr/bin:/bin", "HOME": str(elsewhere)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
    return [Path(shlex.split(line)[0]).name for line in lines]


def client_of(state: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((state / "client.json").read_text())
    return found


def newest(state: Path) -> dict[str, str]:
    client = client_of(state)
    answer = httpx.get(
        f"{client['url']}/api/v1/targets/hello/deploys",
        headers={"Authorization": f"Bearer {client['token']}"},
        trust_env=False,
        verify=False,
    )
    deploys: list[dict[str, str]] = answer.raise_for_status().json()["deploys"]
    return deploys[0] if deploys else {"state": "none", "commit": ""}


def newest_state(state: Path) -> str:
    return newest(state)["state"]


def answers(state: Path) -> bool:
    try:
        return httpx.get(
            f"{client_of(state)['url']}/livez", trust_env=False, verify=False
        ).is_success
    except httpx.HTTPError:
        return False


def web_processes(state: Path) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().split(b"\0")
            environment = (folder / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if line[-2:-1] == [b"web"] and str(state) in environment:
            found.append(int(folder.name))
    return found


def push_to_hello(state: Path, work: Path) -> str:
    """What the welcome says: clone, commit, push. Returns the commit."""

    def git(*arguments: str) -> str:
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
        done = subprocess.run(["git", *who, *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("clone", "-q", str(state / "hello.git"), str(work))
    git("-C", str(work), "commit", "-q", "--allow-empty", "-m", "Deploy me")
    git("-C", str(work), "push", "-q")
    return git("-C", str(work), "rev-parse", "HEAD")
