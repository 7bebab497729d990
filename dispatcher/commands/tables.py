"""The API's answers as tables and pages for people; with `--output json`, as they are."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dispatcher.commands.formatting import age, lines, plain, short, span
from dispatcher.domain.model import State, short_ref
from dispatcher.http.api.views import DeployDetail, DeployInfo, PauseInfo, RepairList, TargetInfo
from dispatcher.matching.evaluation import Explanation

WIDE = 10_000
"""Columns where nobody looks at them: what reads a pipe gets whole lines."""

STYLES = {
    State.PENDING: "yellow",
    State.STARTING: "cyan",
    State.RUNNING: "cyan",
    State.STOPPING: "magenta",
    State.SUCCEEDED: "green",
    State.FAILED: "bold red",
    State.LOST: "bold red",
}


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"


def console() -> Console:
    """Colours on a terminal only, and never markup in what others wrote."""
    terminal = sys.stdout.isatty()
    width = None if terminal else WIDE
    return Console(width=width, markup=False, highlight=False, emoji=False, soft_wrap=not terminal)


def write_json(body: object) -> None:
    print(msgspec.json.format(msgspec.json.encode(body), indent=2).decode())


def targets(found: Sequence[TargetInfo], now: datetime) -> Table:
    table = columns("TARGET", "FOLLOWS", "NOW", "LAST", "COMMIT", "AGE", "TROUBLE")
    for each in found:
        last = each.last
        table.add_row(
            each.name,
            plain(", ".join([*each.branches, *(f"tag {tag}" for tag in each.tags)])),
            _now(each, now),
            _last(last) if last else Text("never deployed", "dim"),
            short(last.commit) if last else "",
            age(last.ended_at, now) if last else "",
            _trouble(each),
        )
    return table


def deploys(found: Iterable[DeployInfo], now: datetime) -> Table:
    table = columns("DEPLOY", "STATE", "COMMIT", "REF", "REASON", "BY", "AGE", "TOOK", "TITLE")
    for each in found:
        table.add_row(
            each.deploy,
            _state(each),
            short(each.commit),
            plain(short_ref(each.ref)),
            each.reason,
            plain(each.requested_by),
            age(each.created_at, now),
            _took(each, now),
            plain(each.title),
        )
    return table


def facts(deploy: DeployDetail, now: datetime) -> Table:
    """One deploy, a line for each thing that is known."""
    return page(_facts(deploy, now))


def page(pairs: Iterable[tuple[str, str | Text]]) -> Table:
    """Names and values, without those that are empty."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        if value:
            table.add_row(name, value)
    return table


def _facts(deploy: DeployDetail, now: datetime) -> list[tuple[str, str | Text]]:
    ago = age(deploy.created_at, now)
    exit_code = "" if deploy.exit_code is None else str(deploy.exit_code)
    return [
        ("deploy", deploy.deploy),
        ("state", _state(deploy)),
        ("why", plain(deploy.why)),
        ("cause", str(deploy.cause or "")),
        ("exit code", exit_code),
        ("commit", plain(f"{deploy.commit} {deploy.title}".rstrip())),
        ("ref", plain(deploy.ref)),
        ("reason", deploy.reason),
        ("asked for by", plain(deploy.requested_by)),
        ("note", plain(deploy.note)),
        ("created", f"{deploy.created_at} ({ago} ago)"),
        ("started", deploy.started_at or ""),
        ("ended", deploy.ended_at or ""),
        ("waited", span(deploy.waited)),
        ("took", _took(deploy, now)),
        ("superseded by", deploy.superseded_by or ""),
        ("cancelled by", plain(deploy.cancelled_by)),
        ("released by", plain(deploy.released_by)),
        ("cluster troubles", str(deploy.cluster_troubles or "")),
        ("not before", deploy.not_before or ""),
        ("merged pushes", str(deploy.merged or "")),
        ("job", f"{deploy.namespace}/{deploy.job}" if deploy.job else ""),
        ("deliveries", plain(", ".join(deploy.deliveries))),
    ]


def log(deploy: DeployDetail) -> str:
    """The tail of its log, "" where there is none."""
    return lines(deploy.log_tail).rstrip("\n")


def no_log(deploy: DeployDetail) -> str:
    """What to say where there is no tail, and where a log may still be."""
    said = f"no log of {deploy.deploy} was kept; the end of a failed one's is."
    if not deploy.job:
        return said
    where = f"kubectl logs -n {deploy.namespace} job/{deploy.job} --all-containers"
    return f"{said} While its Job is in the cluster: {where}"


def paused(info: PauseInfo) -> str:
    """`paused by ann: migration`."""
    everything = "everything is " if info.everything else ""
    why = f": {info.reason}" if info.reason else ""
    return plain(f"{everything}paused by {info.by}{why}")


def tree(body: dict[str, Any], depth: int = 0) -> list[str]:
    """Nested plain data as indented lines, without what is empty."""
    found = []
    for name, value in body.items():
        indent = "  " * depth
        if isinstance(value, dict) and value:
            found += [f"{indent}{name}", *tree(value, depth + 1)]
        elif value not in ((), [], {}, "", None):
            found.append(f"{indent}{name}: {_scalar(value)}")
    return found


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_scalar, value))
    return plain(str(value))


def repairs(found: RepairList, now: datetime) -> Table:
    table = columns("AGE", "KIND", "TARGET", "WHAT")
    for each in found.repairs:
        table.add_row(age(each.at, now), each.kind, plain(each.target), plain(each.what))
    return table


def explanations(found: Iterable[Explanation]) -> Table:
    """The reasons are what it is about: they are folded where they are long, and never cut."""
    table = columns("TARGET", "REF", "RUNS")
    table.add_column("WHY", overflow="fold")
    for each in found:
        runs = Text("yes", "green") if each.wanted else Text("no", "yellow")
        table.add_row(each.target, plain(short_ref(each.ref)), runs, plain(each.reason))
    return table


def columns(*names: str) -> Table:
    """An empty table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in names:
        last = column in ("TITLE", "TROUBLE", "FOLLOWS", "WHAT")
        table.add_column(column, no_wrap=True, overflow="ellipsis" if last else "fold")
    return table


def _now(target: TargetInfo, now: datetime) -> Text:
    said = []
    if active := target.active:
        said.append(f"{active.deploy} {active.state} {_took(active, now)}".rstrip())
    said += [f"{each.deploy} waits" for each in target.waiting]
    if (more := target.waiting_count - len(target.waiting)) > 0:
        said.append(f"{more} more wait")
    return Text(", ".join(said), "cyan")


def _trouble(target: TargetInfo) -> Text:
    trouble = plain(target.trouble)
    if not target.paused:
        return Text(trouble, "red")
    held = paused(target.paused)
    # A deploy that waits is held up by the same.
    said = held if not trouble or held.endswith(trouble) else f"{held}; {trouble}"
    return Text(said, "yellow")


def _last(deploy: DeployInfo) -> Text:
    return Text.assemble(f"{deploy.deploy} ", _state(deploy))


def _state(deploy: DeployInfo) -> Text:
    return Text(deploy.state, STYLES.get(deploy.state, "dim"))


def _took(deploy: DeployInfo, now: datetime) -> str:
    """How long it ran, or has been running."""
    if deploy.duration is not None or deploy.ended_at:
        return span(deploy.duration)
    return age(deploy.started_at, now)
