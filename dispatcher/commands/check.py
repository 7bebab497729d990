"""What `check` understood of the configuration: a line for each hook and target, or all of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

from dispatcher.commands import tables
from dispatcher.commands.formatting import count, plain

Described = dict[str, Any]
"""Plain data, as `dispatcher.config.describe` makes it."""


def everything(out: Console, understood: Described) -> None:
    """Every setting of every hook and target, with its value."""
    for line in tables.tree(understood):
        out.print(line, style="bold" if not line.startswith(" ") else None)


def summary(out: Console, understood: Described) -> None:
    for table in (_hooks(understood["hooks"]), _targets(understood["targets"])):
        if table.row_count:
            out.print(table)
            out.print()


def end(understood: Described, warnings: int, *, secrets: bool) -> str:
    """The last line."""
    hooks, targets = (count(len(understood[f"{noun}s"]), noun) for noun in ("hook", "target"))
    more = f", {count(warnings, 'warning')}" if warnings else ""
    return (
        f"{hooks}, {targets}: no mistakes{more}{'' if secrets else '; secrets were not looked at'}"
    )


def _hooks(hooks: dict[str, Described]) -> Table:
    table = tables.columns("HOOK", "PROVIDER", "SECRETS")
    table.add_column("REPOSITORIES", overflow="fold")
    for name, hook in hooks.items():
        secrets = _listed(hook["secrets"]) or "none: insecure"
        table.add_row(name, hook["provider"], secrets, _listed(hook["repositories"]))
    return table


def _targets(targets: dict[str, Described]) -> Table:
    table = tables.columns("TARGET", "REPOSITORY", "NAMESPACE", "RUNS", "FOLLOWS")
    for name, target in targets.items():
        runs = target["job"].get("image") or target["job"]["manifest"]
        refs = [*target["branches"], *(f"tag {tag}" for tag in target["tags"])]
        follows = _listed(refs) + (f" in {_listed(target['paths'])}" if target["paths"] else "")
        table.add_row(
            name, plain(target["repository"]), target["namespace"], plain(runs), plain(follows)
        )
    return table


def _listed(values: Iterable[object]) -> str:
    return plain(", ".join(map(str, values)))
