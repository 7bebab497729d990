"""Targets, and what pauses them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.text import Text

from dispatcher.commands.formatting import age, plain, short
from dispatcher.commands.tables.deploys import state, took
from dispatcher.commands.tables.layout import Cell, Grid
from dispatcher.domain.deploy import State
from dispatcher.domain.trouble import TroubleKind
from dispatcher.http.api.schemas.deploys import DeployInfo
from dispatcher.http.api.schemas.pauses import PauseInfo
from dispatcher.http.api.schemas.targets import TargetInfo

WIDE = ("NAMESPACE", "REPOSITORY", "REF", "BY", "TITLE")


def targets(found: Iterable[TargetInfo], now: datetime, *, wide: bool = False) -> Grid:
    """Those with trouble come first."""
    names = ("TARGET", "FOLLOWS", "NOW", "LAST", "COMMIT", "AGE")
    more = WIDE if wide else ()
    grid = Grid(*names, *more, spare=("FOLLOWS",), cut=("NOW",), note="TROUBLE")
    for each in sorted(found, key=_urgency):
        cells = [*_cells(each, now), *(_wide(each) if wide else ())]
        grid.add_row(*cells, note=_trouble(each))
    return grid


def matching(
    found: Sequence[TargetInfo], *, failed: bool, trouble: bool, namespace: str | None
) -> tuple[TargetInfo, ...]:
    """Those of the namespace; with `failed` and `trouble`, those of which either is true."""
    return tuple(
        each
        for each in found
        if namespace in (None, each.namespace)
        and (not (failed or trouble) or (failed and has_failed(each)) or (trouble and held(each)))
    )


def has_failed(target: TargetInfo) -> bool:
    """Whether its last deploy did not do what it was for."""
    return target.last is not None and target.last.state in (State.FAILED, State.LOST)


def held(target: TargetInfo) -> bool:
    """Whether something holds it up, or somebody."""
    return bool(target.trouble or target.paused)


def paused(info: PauseInfo) -> str:
    """`paused by ann: migration`."""
    everything = "everything is " if info.everything else ""
    why = f": {info.reason}" if info.reason else ""
    return plain(f"{everything}paused by {info.by}{why}")


def _urgency(target: TargetInfo) -> int:
    orders = (bool(target.trouble), has_failed(target), target.paused is not None)
    return next((place for place, applies in enumerate(orders) if applies), len(orders))


def _cells(target: TargetInfo, now: datetime) -> list[Cell]:
    last = target.last
    return [
        target.name,
        plain(", ".join([*target.branches, *(f"tag {tag}" for tag in target.tags)])),
        _now(target, now),
        _last(last) if last else Text("never deployed", "dim"),
        short(last.commit) if last else "",
        age(last.ended_at, now) if last else "",
    ]


def _wide(target: TargetInfo) -> list[Cell]:
    last = target.last
    of_last = (last.ref, last.requested_by, last.title) if last else ("", "", "")
    return [target.namespace, plain(target.repository), *map(plain, of_last)]


def _now(target: TargetInfo, now: datetime) -> Text:
    shown = []
    if active := target.active:
        shown.append(f"{active.deploy} {active.state} {took(active, now)}".rstrip())
    shown += [f"{each.deploy} waits" for each in target.waiting]
    if (more := target.waiting_count - len(target.waiting)) > 0:
        shown.append(f"{more} more wait")
    return Text(", ".join(shown), "cyan")


def _trouble(target: TargetInfo) -> Text:
    """What holds it up; else why its last deploy failed."""
    trouble = plain(target.trouble)
    if not target.paused:
        why = target.last.why if target.last and has_failed(target) else ""
        return Text(trouble or plain(why), "red")
    if target.trouble_kind is TroubleKind.PAUSED:
        return Text(trouble, "yellow")  # it says who paused it, too
    held = paused(target.paused)
    # A waiting deploy's `why` can repeat the target's trouble.
    text = held if not trouble or held.endswith(trouble) else f"{held}; {trouble}"
    return Text(text, "yellow")


def _last(deploy: DeployInfo) -> Text:
    return Text.assemble(f"{deploy.deploy} ", state(deploy))
