"""Deploys: a table, and a page for one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.table import Table
from rich.text import Text

from dispatcher.commands.formatting import age, lines, plain, short, span
from dispatcher.commands.tables.layout import Grid, page
from dispatcher.domain.deploy import State
from dispatcher.domain.refs import short_ref
from dispatcher.http.api.schemas.deploys import DeployDetail, DeployInfo

STYLES = {
    State.PENDING: "yellow",
    State.STARTING: "cyan",
    State.RUNNING: "cyan",
    State.STOPPING: "magenta",
    State.SUCCEEDED: "green",
    State.FAILED: "bold red",
    State.LOST: "bold red",
}


WIDE = ("CREATED", "WAITED", "CAUSE", "JOB", "WHY")


def deploys(found: Iterable[DeployInfo], now: datetime, *, wide: bool = False) -> Grid:
    names = ("DEPLOY", "STATE", "COMMIT", "REF", "REASON", "BY", "AGE", "TOOK", "TITLE")
    spare = ("BY", "REASON", "TOOK")
    table = Grid(*names, *(WIDE if wide else ()), spare=spare, cut=("REF", "TITLE"))
    for each in found:
        table.add_row(
            each.deploy,
            state(each),
            each.commit if wide else short(each.commit),
            plain(short_ref(each.ref)),
            each.reason,
            plain(each.requested_by),
            age(each.created_at, now),
            took(each, now),
            plain(each.title),
            *(_wide(each) if wide else ()),
        )
    return table


def _wide(deploy: DeployInfo) -> tuple[str, ...]:
    job = f"{deploy.namespace}/{deploy.job}" if deploy.job else ""
    cause = str(deploy.cause or "")
    return deploy.created_at or "", span(deploy.waited), cause, job, plain(deploy.why)


def details(deploy: DeployDetail, now: datetime) -> Table:
    """One deploy, one line for each field that has a value."""
    return page(_details(deploy, now))


def _details(deploy: DeployDetail, now: datetime) -> list[tuple[str, str | Text]]:
    ago = age(deploy.created_at, now)
    exit_code = "" if deploy.exit_code is None else str(deploy.exit_code)
    return [
        ("deploy", deploy.deploy),
        ("state", state(deploy)),
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
        ("took", took(deploy, now)),
        ("superseded by", deploy.superseded_by or ""),
        ("cancelled by", plain(deploy.cancelled_by)),
        ("released by", plain(deploy.released_by)),
        ("cluster troubles", str(deploy.cluster_troubles or "")),
        ("not before", deploy.not_before or ""),
        ("merged pushes", str(deploy.merged or "")),
        ("job", f"{deploy.namespace}/{deploy.job}" if deploy.job else ""),
        ("log", plain(deploy.log_url)),
        ("deliveries", plain(", ".join(deploy.deliveries))),
    ]


def log(deploy: DeployDetail) -> str:
    """The tail of its log, or ""."""
    return lines(deploy.log_tail).rstrip("\n")


def state(deploy: DeployInfo) -> Text:
    return Text(deploy.state, STYLES.get(deploy.state, "dim"))


def took(deploy: DeployInfo, now: datetime) -> str:
    """How long it ran, or has been running."""
    if deploy.duration is not None or deploy.ended_at:
        return span(deploy.duration)
    return age(deploy.started_at, now)
