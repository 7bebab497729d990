"""A file's age says whether worker and watcher are at work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
import yaml
from structlog.testing import capture_logs

from dispatcher.ledger import Keys, WakeUp, WakeUps, connect
from tests.waiting import eventually
from workers.heartbeat import HeartbeatFile

CONFIGURATION = "version: 1\nhooks: {}\ntargets: {}\n"


@contextmanager
def running(process: str, folder: Path, redis_url: str, keys: Keys) -> Iterator[tuple[int, Path]]:
    """The process's id, and its heartbeat file. There is no API server."""
    (folder / "c.yaml").write_text(CONFIGURATION)
    named = {"name": "here"}
    kubeconfig = {
        "clusters": [{**named, "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{**named, "user": {}}],
        "contexts": [{**named, "context": {"cluster": "here", "user": "here"}}],
        "current-context": "here",
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    environ = os.environ | {
        "REDIS_URL": redis_url,
        "KUBECONFIG": str(folder / "kubeconfig"),
        "DISPATCHER_CONFIG": str(folder / "c.yaml"),
        "DISPATCHER_INSTANCE": instance(keys),
        "DISPATCHER_QUEUE": instance(keys),
        "DISPATCHER_HEARTBEAT_FILE": str(folder / "heartbeat"),
    }
    started = subprocess.Popen(
        [sys.executable, "-m", "workers", process], env=environ, stderr=subprocess.DEVNULL
    )
    try:
        yield started.pid, folder / "heartbeat"
    finally:
        started.kill()
        started.wait()


def instance(keys: Keys) -> str:
    return keys.prefix.split(":")[1]


def beats(file: Path) -> bool:
    """Whether it is touched once more."""
    os.utime(file, (0, 0))
    return eventually(lambda: file.stat().st_mtime > 0)


def test_a_watcher_beats_for_as_long_as_it_is_at_work(
    tmp_path: Path, redis_url: str, keys: Keys
) -> None:
    with running("watcher", tmp_path, redis_url, keys) as (pid, file):
        assert eventually(file.exists)
        assert beats(file)
        assert beats(file)

        os.kill(pid, signal.SIGSTOP)
        os.utime(file, (0, 0))
        assert file.stat().st_mtime == 0


def test_a_worker_beats_with_every_task(
    tmp_path: Path, redis_url: str, keys: Keys, client: redis.Redis
) -> None:
    with running("worker", tmp_path, redis_url, keys) as (_, file):
        assert eventually(file.exists)
        os.utime(file, (0, 0))

        with connect(redis_url, text=False) as binary:
            wake_ups = WakeUps(binary, instance(keys), instance(keys))
            wake_ups.enqueue([WakeUp("nobody", 1, "test")])

        assert eventually(lambda: file.stat().st_mtime > 0)


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    HeartbeatFile("").beat()

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_said_once_and_ends_nothing(tmp_path: Path) -> None:
    heartbeat = HeartbeatFile(str(tmp_path / "no" / "such" / "folder"))

    with capture_logs() as lines:
        heartbeat.beat()
        heartbeat.beat()

    assert [line["event"] for line in lines] == ["heartbeat file cannot be written"]
