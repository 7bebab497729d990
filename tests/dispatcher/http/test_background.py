"""What web does beside answering: it goes on, or is heard of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from dispatcher.config.reloading import Reloader
from dispatcher.http.background import LONGEST_PAUSE, Background
from dispatcher.ledger import Keys
from tests.dispatcher.http.web import Web
from tests.waiting import eventually


class Rounds:
    """Fails as often as it is told; its sleep takes no time, and ends the test's patience after so many."""

    def __init__(self, outcomes: list[Exception | None]) -> None:
        self.outcomes, self.pauses = outcomes, list[float]()
        self.failing: list[tuple[str, ...]] = []
        self.over = asyncio.Event()
        self.background = Background(self.end, self.sleep)
        self.ends = 0

    def end(self) -> None:
        self.ends += 1
        self.over.set()

    async def sleep(self, seconds: float) -> None:
        self.failing.append(self.background.failing)
        self.pauses.append(seconds)
        if not self.outcomes:
            self.over.set()
            await asyncio.Event().wait()

    async def do(self) -> None:
        if error := self.outcomes.pop(0):
            raise error


def played(
    *outcomes: Exception | None, then: Callable[[Rounds], Awaitable[None]] | None = None
) -> tuple[Rounds, list[Any]]:
    async def scenario() -> Rounds:
        rounds = Rounds(list(outcomes))
        rounds.background.start("look", 1.0, rounds.do)
        await rounds.over.wait()
        if then:
            await then(rounds)
        await rounds.background.stop()
        return rounds

    with capture_logs() as logs:
        return asyncio.run(scenario()), logs


def test_whatever_is_raised_the_next_round_comes() -> None:
    rounds, logs = played(None, LookupError("nobody thought of it"), None)

    assert rounds.failing == [(), (), ("look",), ()]
    assert [(each["log_level"], each["task"]) for each in logs] == [
        ("error", "look"),
        ("info", "look"),
    ]
    assert logs[0]["exc_info"]


def test_the_pauses_grow_while_it_fails_and_are_short_again() -> None:
    rounds, _ = played(*[OSError()] * 7, None, None)

    assert rounds.pauses == [1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE, 1, 1]


def test_a_task_that_is_ended_by_somebody_else_ends_the_process() -> None:
    async def cancel(rounds: Rounds) -> None:
        (task,) = (each for each in asyncio.all_tasks() if each.get_name() == "look")
        rounds.over.clear()
        task.cancel()
        await asyncio.wait_for(rounds.over.wait(), 30)

    rounds, logs = played(then=cancel)

    assert rounds.ends == 1
    assert [(each["log_level"], each["task"]) for each in logs] == [("critical", "look")]


def test_to_be_told_to_stop_is_no_unexpected_end() -> None:
    rounds, logs = played(None)

    assert (rounds.ends, logs) == (0, [])


class Breaks(Reloader):
    """Whoever looks at a changed file with it the first time is in for something that nobody thought of."""

    broken = 0

    def changed(self) -> bool:
        if changed := super().changed():
            self.broken += 1
            if self.broken == 1:
                raise ArithmeticError("nobody thought of it")
        return changed


class Breaking(Web):
    source = Breaks


@pytest.fixture
def breaking(tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
    with Breaking(tmp_path, redis_url, keys) as web:
        yield web
    web.clean_up()


def test_a_configuration_whose_reading_failed_unexpectedly_counts_in_the_end(
    breaking: Web,
) -> None:
    said: list[str] = []

    def known() -> bool:
        said.append(breaking.readiness().json()["web"])
        return "brand-new" in breaking.api("targets").text

    text = breaking.config.read_text()
    breaking.config.write_text(text.replace("  shop:\n", "  brand-new:\n", 1))

    assert eventually(known)
    assert (
        "unavailable: background tasks failed and are retried: reading the configuration again; see web's log"
        in said
    )
    assert eventually(lambda: breaking.readiness().json()["web"] == "ok")
