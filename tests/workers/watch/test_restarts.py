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
from tests.workers.watch.test_leadership import FIRST, NAMESPACE, HandFedLeader, Installation
from workers.watch.reflector import ObjectsListed

RESTARTED = "Redis was restarted, or another one took over"


def lists(session: HandFedLeader) -> None:
    session.hear(
        ObjectsListed(NAMESPACE, "job", (), "50"), ObjectsListed(NAMESPACE, "pod", (), "50")
    )


def goes_on(session: HandFedLeader) -> HandFedLeader:
    """As a watcher does: whose session has ended by this leads anew."""
    try:
        session.second()
    except (LeadershipLost, LedgerUnavailable):
        session.close()
        watcher = session.watcher
        watcher.leadership.acquire()
        session = HandFedLeader(watcher)
        session.begin()
    lists(session)
    return session


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
        session = running.session(FIRST)
        with capture_logs() as logs:
            session.begin()
            lists(session)
        assert about_redis(logs) == []
        assert Listings(running.store).listed() == {NAMESPACE}

    if not kept:
        shutil.rmtree(folder)
        folder.mkdir()
    with start_valkey(folder), capture_logs() as logs:
        for _ in range(3):
            session = goes_on(session)

        assert about_redis(logs) == [said]
        assert Listings(running.store).listed() == {NAMESPACE}
        session.close()
        running.client.close()


def test_a_redis_that_was_emptied_is_called_that(tmp_path: Path) -> None:
    with start_valkey(tmp_path) as url:
        running = Installation(url, tmp_path)
        session = running.session(FIRST)
        session.begin()
        lists(session)

        running.client.flushall()
        with capture_logs() as logs:
            session = goes_on(session)

        assert about_redis(logs) == [
            "Redis was emptied: its data is not there; listing the cluster into it"
        ]
        session.close()
        running.client.close()
