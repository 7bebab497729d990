"""Redis is restarted under a watcher: it says so, and whether the data is there, and lists the cluster."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from dispatcher.domain.errors import LeadershipLost, LedgerUnavailable
from dispatcher.ledger import Listings
from tests.conftest import start_valkey
from tests.workers.watch.test_leadership import FIRST, NAMESPACE, Installation, ScriptedLeader
from workers.watch.reflector import ObjectsListed

RESTARTED = "Redis was restarted, or another one took over"


def lists(leader: ScriptedLeader) -> None:
    leader.receive(
        ObjectsListed(NAMESPACE, "job", (), "50"), ObjectsListed(NAMESPACE, "pod", (), "50")
    )


def goes_on(leader: ScriptedLeader) -> ScriptedLeader:
    """As a watcher does: one that has lost the leadership by this leads anew."""
    try:
        leader.second()
    except (LeadershipLost, LedgerUnavailable):
        leader.close()
        watcher = leader.watcher
        watcher.leadership.acquire()
        leader = ScriptedLeader(watcher)
        leader.begin()
    lists(leader)
    return leader


def about_redis(logs: list[EventDict]) -> list[str]:
    return [line["event"] for line in logs if line["event"].startswith("Redis")]


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (True, f"{RESTARTED}: its data is there; listing the cluster again"),
        (False, f"{RESTARTED}: its data is not there; listing the cluster into it"),
    ],
)
def test_a_restart_says_once_whether_the_data_is_there(
    tmp_path: Path, kept: bool, said: str
) -> None:
    folder = tmp_path / "redis"
    folder.mkdir()
    with start_valkey(folder) as url:
        running = Installation(url, tmp_path)
        leader = running.leader(FIRST)
        with capture_logs() as logs:
            leader.begin()
            lists(leader)
        assert about_redis(logs) == []
        assert Listings(running.store).listed() == {NAMESPACE}

    if not kept:
        shutil.rmtree(folder)
        folder.mkdir()
    with start_valkey(folder), capture_logs() as logs:
        for _ in range(3):
            leader = goes_on(leader)

        assert about_redis(logs) == [said]
        assert Listings(running.store).listed() == {NAMESPACE}
        leader.close()
        running.client.close()


def test_a_redis_that_was_emptied_is_called_that(tmp_path: Path) -> None:
    with start_valkey(tmp_path) as url:
        running = Installation(url, tmp_path)
        leader = running.leader(FIRST)
        leader.begin()
        lists(leader)

        running.client.flushall()
        with capture_logs() as logs:
            leader = goes_on(leader)

        assert about_redis(logs) == [
            "Redis was emptied: its data is not there; listing the cluster into it"
        ]
        leader.close()
        running.client.close()
