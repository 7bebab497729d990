"""Targets, and what pauses them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from dispatcher.commands.formatting import age, plain, short
from dispatcher.commands.tables.deploys import state, took
from dispatcher.commands.tables.layout import columns
from dispatcher.http.api.schemas.deploys import DeployInfo
from dispatcher.http.api.schemas.pauses import PauseInfo
from dispatcher.http.api.schemas.targets import TargetInfo


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


def paused(info: PauseInfo) -> str:
    """`paused by ann: migration`."""
    everything = "everything is " if info.everything else ""
    why = f": {info.reason}" if info.reason else ""
    return plain(f"{everything}paused by {info.by}{why}")


def _now(target: TargetInfo, now: datetime) -> Text:
    shown = []
    if active := target.active:
        shown.append(f"{active.deploy} {active.state} {took(active, now)}".rstrip())
    shown += [f"{each.deploy} waits" for each in target.waiting]
    if (more := target.waiting_count - len(target.waiting)) > 0:
        shown.append(f"{more} more wait")
    return Text(", ".join(shown), "cyan")


def _trouble(target: TargetInfo) -> Text:
    trouble = plain(target.trouble)
    if not target.paused:
        return Text(trouble, "red")
    held = paused(target.paused)
    # A waiting deploy's `why` can repeat the target's trouble.
    text = held if not trouble or held.endswith(trouble) else f"{held}; {trouble}"
    return Text(text, "yellow")


def _last(deploy: DeployInfo) -> Text:
    return Text.assemble(f"{deploy.deploy} ", state(deploy))
