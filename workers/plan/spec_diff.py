"""What a configuration changes, compared with what is published: typed, and without a secret. Pure.

Values of environment variables are left out, since they may be private: only that they differ is told.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from dispatcher.domain.job_contract import RESERVED
from dispatcher.domain.spec import Policies, Spec

Json = dict[str, Any]
Values = dict[tuple[str, str], str]
"""By container and variable."""

SAME, OTHER = "(a value)", "(another value)"


@dataclass(frozen=True, kw_only=True)
class New:
    """A target that is not published."""

    target: str


@dataclass(frozen=True, kw_only=True)
class Removed:
    """A target that is not configured any more."""

    target: str
    on_removed: str
    """What becomes of what runs: `finish` or `stop`."""


@dataclass(frozen=True, kw_only=True)
class Renamed:
    """A target whose history goes over from another name."""

    target: str
    former: str


@dataclass(frozen=True, kw_only=True)
class JobChanged:
    """A target that is deployed anew; its Job before and after."""

    target: str
    before: Json
    after: Json


@dataclass(frozen=True, kw_only=True)
class PoliciesChanged:
    """Settings that change and deploy nothing: name, before, after."""

    target: str
    settings: tuple[tuple[str, Any, Any], ...]


Change = New | Removed | Renamed | JobChanged | PoliciesChanged


def differences(
    before: Mapping[str, Spec], after: Sequence[Spec], renames: Mapping[str, str]
) -> list[Change]:
    """By target; one can have several. `renames` is the new name -> the one that it has in `before`."""
    kept = {name for spec in after for name in (spec.target, renames.get(spec.target))}
    found: list[Change] = [
        Removed(target=name, on_removed=spec.policies.on_removed)
        for name, spec in before.items()
        if name not in kept and not spec.removed_at
    ]
    for spec in after:
        found += _of_target(before, spec, renames.get(spec.target, ""))
    return sorted(found, key=lambda change: change.target)


def unchanged(after: Sequence[Spec], changes: Sequence[Change]) -> int:
    """How many targets stay as they are."""
    return len({spec.target for spec in after} - {change.target for change in changes})


def _of_target(before: Mapping[str, Spec], spec: Spec, former: str) -> Iterator[Change]:
    renamed = former if former in before else ""
    was = before.get(renamed or spec.target)
    if was is None:
        yield New(target=spec.target)
        return
    if renamed:
        yield Renamed(target=spec.target, former=renamed)
    if was.digest != spec.digest:
        values = _values(was.manifest)
        yield JobChanged(
            target=spec.target,
            before=_without_values(was.manifest, values),
            after=_without_values(spec.manifest, values),
        )
    if settings := tuple(_settings(was.policies, spec.policies)):
        yield PoliciesChanged(target=spec.target, settings=settings)


def _settings(before: Policies, after: Policies) -> Iterator[tuple[str, Any, Any]]:
    for field in msgspec.structs.fields(Policies):
        was, is_now = getattr(before, field.name), getattr(after, field.name)
        if was != is_now:
            yield field.name, was, is_now


def _containers(manifest: Json) -> Iterator[Json]:
    pod = manifest["spec"]["template"]["spec"]
    yield from pod.get("initContainers") or []
    yield from pod["containers"]


def _variables(manifest: Json) -> Iterator[tuple[tuple[str, str], Json]]:
    """Those whose values are the user's own."""
    for container in _containers(manifest):
        for variable in container.get("env") or []:
            if "value" in variable and variable["name"] not in RESERVED:
                yield (container["name"], variable["name"]), variable


def _values(manifest: Json) -> Values:
    return {place: variable["value"] for place, variable in _variables(manifest)}


def _without_values(manifest: Json, before: Values) -> Json:
    shown = copy.deepcopy(manifest)
    for place, variable in _variables(shown):
        same = before.get(place, variable["value"]) == variable["value"]
        variable["value"] = SAME if same else OTHER
    return shown
