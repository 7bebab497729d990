"""The status on one screen, and the processes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from dispatcher.commands.formatting import age, count, plain
from dispatcher.commands.tables.layout import Cell, Grid, page
from dispatcher.commands.tables.overview import Status
from dispatcher.domain.process import Liveness
from dispatcher.http.api.schemas.processes import ProcessInfo

MOST = 10
"""Problems on the screen; those that are left are counted."""
LIVENESS = {Liveness.ALIVE: "green", Liveness.LATE: "bold red", Liveness.GONE: "dim"}


def status(found: Status, now: datetime) -> RenderableType:
    return Group(_headline(found), *_problems(found), Text(), page(_lines(found, now)))


def _headline(found: Status) -> Text:
    if found.ok:
        return Text("Everything is all right.", "bold green")
    return Text(f"{count(len(found.problems), 'problem')}, the first first:", "bold red")


def _problems(found: Status) -> list[RenderableType]:
    shown: list[RenderableType] = []
    for each in found.problems[:MOST]:
        more = f"  ({each.command})" if each.command else ""
        shown.append(
            Text.assemble((f"  {plain(each.subject)}: ", "bold"), plain(each.what), (more, "dim"))
        )
    if (left := len(found.problems) - MOST) > 0:
        shown.append(Text(f"  and {left} more: git-dispatcher targets --trouble --failed"))
    return shown


def _lines(found: Status, now: datetime) -> list[tuple[str, Cell]]:
    alive = ", ".join(f"{number} {kind}" for kind, number in found.processes.items())
    last = f", newest delivery {age(found.last_delivery, now)} ago" if found.last_delivery else ""
    return [
        ("ledger", plain(f"{found.ledger}; {found.durability}".removesuffix("; "))),
        ("cluster", plain(found.cluster)),
        ("leader", plain(found.leader or "")),
        ("workers", plain(found.workers)),
        ("configuration", plain(found.configuration)),
        ("alive", alive),
        ("hooks", f"{found.hooks}{last}" if found.hooks is not None else ""),
        ("targets", _targets(found)),
        ("oldest wait", _oldest(found, now)),
        ("version", found.version),
    ]


def _targets(found: Status) -> str:
    counts = {
        "run": found.running,
        "in trouble": found.troubled,
        "failed last": found.failed,
        "paused": found.paused,
    }
    told = [f"{number} {what}" for what, number in counts.items() if number]
    if found.waiting:
        told.append(f"{count(found.waiting, 'deploy')} waiting")
    return ", ".join([str(found.targets), *told])


def _oldest(found: Status, now: datetime) -> str:
    if not (oldest := found.oldest_wait):
        return ""
    return plain(f"{oldest.deploy} for {age(oldest.since, now)}: {oldest.explanation}")


def processes(found: Iterable[ProcessInfo], now: datetime) -> Grid:
    names = ("KIND", "NAME", "ALIVE", "STATE", "UP", "HEARTBEAT", "HOST", "PID", "VERSION")
    grid = Grid(*names, spare=("PID", "HOST", "VERSION"), cut=("NAME",), note="REFUSES")
    for each in found:
        work = each.works_on
        on = f"{work.target} for {age(work.since, now)}" if work else ""
        refused = each.configuration.mistakes if each.configuration else ()
        grid.add_row(
            each.kind,
            plain(each.name),
            Text(each.liveness, LIVENESS[each.liveness]),
            plain(each.state or on),
            age(each.started_at, now),
            f"{age(each.heartbeat_at, now)} ago",
            plain(each.host),
            str(each.pid),
            plain(each.version),
            note=Text(plain("; ".join(refused)), "red"),
        )
    return grid
