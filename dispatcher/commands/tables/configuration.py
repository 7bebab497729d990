"""The configuration as `check` shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dispatcher.commands.formatting import count, plain
from dispatcher.commands.tables.layout import Grid

Description = dict[str, Any]
"""Plain data, as `dispatcher.config.describe` makes it."""


def summary(configuration: Description) -> list[Grid]:
    """A row for each hook, target and receiver; empty tables are left out."""
    tables = (
        _hooks(configuration["hooks"]),
        _targets(configuration["targets"]),
        _receivers(configuration["notifications"]),
    )
    return [table for table in tables if table.row_count]


def last_line(configuration: Description, warnings: int, *, secrets: bool) -> str:
    hooks, targets = (count(len(configuration[f"{noun}s"]), noun) for noun in ("hook", "target"))
    receivers = sum(map(len, configuration["notifications"].values()))
    notified = f", {count(receivers, 'receiver')}" if receivers else ""
    more = f", {count(warnings, 'warning')}" if warnings else ""
    unseen = "" if secrets else "; secrets were not looked at"
    return f"{hooks}, {targets}{notified}: no mistakes{more}{unseen}"


def _hooks(hooks: dict[str, Description]) -> Grid:
    table = Grid("HOOK", "PROVIDER", "SECRETS", "REPOSITORIES", fold=True)
    for name, hook in hooks.items():
        secrets = _listed(hook["secrets"]) or "none: insecure"
        table.add_row(name, hook["provider"], secrets, _listed(hook["repositories"]))
    return table


def _targets(targets: dict[str, Description]) -> Grid:
    table = Grid("TARGET", "REPOSITORY", "NAMESPACE", "RUNS", "FOLLOWS", cut=("FOLLOWS",))
    for name, target in targets.items():
        runs = target["job"].get("image") or target["job"]["manifest"]
        refs = [*target["branches"], *(f"tag {tag}" for tag in target["tags"])]
        follows = _listed(refs) + (f" in {_listed(target['paths'])}" if target["paths"] else "")
        table.add_row(
            name, plain(target["repository"]), target["namespace"], plain(runs), plain(follows)
        )
    return table


def _receivers(notifications: dict[str, dict[str, Description]]) -> Grid:
    table = Grid("RECEIVER", "KIND", "URL", "TARGETS", "EVENTS", fold=True)
    for kind, name in (("webhook", "webhooks"), ("chat", "chat")):
        for receiver, each in notifications[name].items():
            wanted = (_listed(each[what]) or "all" for what in ("targets", "events"))
            table.add_row(receiver, kind, plain(each["url"]), *wanted)
    return table


def _listed(values: Iterable[object]) -> str:
    return plain(", ".join(map(str, values)))
