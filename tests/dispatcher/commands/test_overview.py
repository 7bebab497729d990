"""What is all right and what is not."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace
from rich.console import Console

from dispatcher.commands.tables.overview import Answers, Problem, status_of
from dispatcher.commands.tables.status import MOST, status
from dispatcher.domain.process import Liveness, ProcessKind
from dispatcher.http.api.schemas.health import Ready
from dispatcher.http.api.schemas.processes import ProcessInfo, ProcessList
from dispatcher.http.api.schemas.targets import TargetInfo, TargetList

READY = Ready(
    ready=True,
    version="1",
    ledger="ok",
    cluster="ok",
    workers="ok",
    configuration="ok",
    web="ok",
    durability="nothing is lost",
)
LEADER = ProcessInfo(
    name="watcher-1",
    kind=ProcessKind.WATCHER,
    liveness=Liveness.ALIVE,
    state="leads",
    host="node-1",
    pid=7,
    version="1",
    started_at=None,
    heartbeat_at=None,
    works_on=None,
    configuration=None,
)
NOW = datetime(2025, 11, 22, tzinfo=UTC)


def answers(*targets: TargetInfo, ready: Ready = READY, **more: dict[str, str]) -> Answers:
    return Answers(
        ready=ready,
        targets=TargetList(targets),
        queue=None,
        processes=ProcessList(workers="ok", configuration="ok", processes=(LEADER,)),
        hooks=None,
        unanswered=more.get("unanswered", {}),
    )


def target(name: str, trouble: str = "") -> TargetInfo:
    return TargetInfo(name=name, repository="https://git.example.com/a", trouble=trouble)


def screen(found: Answers) -> str:
    console = Console(width=100, color_system=None, soft_wrap=True)
    with console.capture() as captured:
        console.print(status(status_of(found), NOW))
    return captured.get()


def test_everything_is_all_right() -> None:
    found = status_of(answers(target("shop")))

    assert (found.ok, found.problems, found.leader) == (True, (), "watcher-1")
    assert screen(answers(target("shop"))).startswith("Everything is all right.\n")


def test_parts_come_in_the_order_in_which_they_need_each_other() -> None:
    ready = replace(READY, workers="unavailable: none", ledger="unavailable: Redis")

    found = status_of(answers(target("shop", "it is stuck"), ready=ready))

    assert [each.subject for each in found.problems] == ["ledger", "workers", "shop"]


def test_what_the_api_does_not_say_is_a_problem() -> None:
    found = status_of(answers(unanswered={"targets": "Redis is away"}))

    assert found.problems == (
        Problem(subject="targets", what="the API does not say: Redis is away"),
    )


def test_a_ledger_that_can_lose_pushes_is_a_problem() -> None:
    ready = replace(READY, durability="the last second can be lost")

    assert [p.subject for p in status_of(answers(ready=ready)).problems] == ["durability"]


def test_many_problems_are_counted_and_nothing_in_them_is_a_control_sequence() -> None:
    text = screen(answers(*(target(f"t{n}", "stuck \x1b[2J") for n in range(MOST + 5))))

    assert f"{MOST + 5} problems" in text
    assert "and 5 more" in text
    assert "\x1b" not in text
