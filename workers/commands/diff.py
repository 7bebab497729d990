"""`git-dispatcher check --diff`: what the watcher would do with a configuration. It changes nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from dispatcher.config import Configuration
from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.ledger import Notifications, Publisher, Reader, Renaming, Store, TargetView
from workers.manifest.job import render
from workers.plan.spec_diff import (
    Change,
    JobChanged,
    Json,
    New,
    PoliciesChanged,
    Removed,
    Renamed,
    differences,
    unchanged,
)
from workers.watch import names


@dataclass(frozen=True)
class Preview:
    """The changes, and the number of targets without any."""

    changes: list[Change]
    unchanged: int
    views: Mapping[str, TargetView]
    """Their state in the ledger, by their new names."""
    new_receivers: Sequence[str] = ()
    removed_receivers: Sequence[str] = ()
    """Of notifications."""


def preview(store: Store, configuration: Configuration, instance: str) -> Preview:
    """Raises LedgerUnavailable."""
    try:
        return _preview(store, configuration, instance)
    except LedgerUnavailable as error:
        remedy = "set REDIS_URL to the Redis of the installation to compare with"
        raise LedgerUnavailable(f"{error}; {remedy}") from error


def _preview(store: Store, configuration: Configuration, instance: str) -> Preview:
    published, targets = Publisher(store).published(), configuration.targets
    known = Renaming(store).names()
    renames = names.wanted(targets, known, store.now(), store.retention.renamed)
    specs = [render(target, instance) for target in targets.values()]
    changes = differences(published, specs, renames)
    former = {change.target: change.former for change in changes if isinstance(change, Renamed)}
    shown = sorted({change.target for change in changes})
    reader = Reader(store)
    views = reader.targets([former.get(name, name) for name in shown], ALL_THAT_WAIT)
    receivers = configuration.notifications.receivers.keys()
    following = Notifications(store).states().keys()
    return Preview(
        changes,
        unchanged(specs, changes),
        dict(zip(shown, views, strict=True)),
        sorted(receivers - following),
        sorted(following - receivers),
    )


ALL_THAT_WAIT = 1_000_000
"""The diff shows what happens to each waiting deploy."""


def lines(preview: Preview) -> Iterator[str]:
    """For people."""
    for change in preview.changes:
        yield f"{change.target}: {words(change, preview.views[change.target])}"
        if isinstance(change, JobChanged):
            yield from (f"  {line}" for line in diff(change.before, change.after))
    for name in preview.new_receivers:
        yield f"receiver {name}: is new; it is sent what happens from then on"
    for name in preview.removed_receivers:
        yield f"receiver {name}: is removed, and so is how far it is; its dead letters stay"
    count = preview.unchanged
    more = "other " if preview.changes else ""
    yield f"{count} {more}{'target' if count == 1 else 'targets'} unchanged"


def as_data(preview: Preview) -> dict[str, Any]:
    """For scripts: `{"changes": [{"target", "change", "words", …}], "receivers": …, "unchanged": n}`."""
    return {
        "changes": [
            {
                "target": change.target,
                "change": KINDS[type(change)],
                "words": words(change, preview.views[change.target]),
                **_details(change),
            }
            for change in preview.changes
        ],
        "receivers": {"new": preview.new_receivers, "removed": preview.removed_receivers},
        "unchanged": preview.unchanged,
    }


KINDS: Mapping[type[Change], str] = {
    New: "new",
    Removed: "removed",
    Renamed: "renamed",
    JobChanged: "job",
    PoliciesChanged: "policies",
}


def _details(change: Change) -> dict[str, Any]:
    match change:
        case Renamed():
            return {"former": change.former}
        case JobChanged():
            return {"diff": "\n".join(diff(change.before, change.after))}
        case PoliciesChanged():
            return {"settings": {name: [was, now] for name, was, now in change.settings}}
    return {}


def words(change: Change, view: TargetView) -> str:
    """What happens, in one line."""
    match change:
        case New():
            return "is new"
        case Removed():
            return f"is removed; {_left(change, view)}; its history stays for a while"
        case Renamed():
            return f"was {change.former}: history and what runs go over, and nothing is deployed for it"
        case JobChanged():
            return f"its Job changes; {_anew(view)}"
        case PoliciesChanged():
            changed = (
                f"{name} {_shown(was)} -> {_shown(now)}" for name, was, now in change.settings
            )
            return f"{', '.join(changed)}; nothing is deployed for it"


def _left(change: Removed, view: TargetView) -> str:
    """What happens to the open deploys of a removed target."""
    end = "is stopped" if change.on_removed == "stop" else "finishes"
    found = [f"{view.active.name} is {view.active.state} and {end}"] if view.active else []
    found += [f"{deploy.name} waits and is cancelled" for deploy in view.waiting]
    return ", ".join(found) or "nothing of it runs"


def _anew(view: TargetView) -> str:
    if view.waiting:
        return f"{view.waiting[-1].name} waits and gets the new one"
    if view.active or view.last:
        return "it is deployed again, with reason spec-change"
    return "it was never deployed, so nothing is"


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def diff(before: Json, after: Json) -> list[str]:
    """A unified diff of both as YAML."""
    was, now = (yaml.safe_dump(each, sort_keys=True, width=100) for each in (before, after))
    shown = difflib.unified_diff(
        was.splitlines(), now.splitlines(), "published", "configured", lineterm=""
    )
    return list(shown)
