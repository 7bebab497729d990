"""Former and current names of targets, from the configuration and from earlier renames. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from dispatcher.domain.current_name import CurrentName
from dispatcher.domain.spec import Spec
from workers.watch.cache import Observation


class Named(Protocol):
    """What a rename needs of a target's configuration."""

    @property
    def name(self) -> str: ...
    @property
    def renamed_from(self) -> str: ...


def wanted(
    targets: Mapping[str, Named], names: Mapping[str, CurrentName], now: int, fresh_for: int
) -> dict[str, str]:
    """Current name -> the name under which its history is, or was: the renames to carry out.

    A configuration that was rolled back has the former name again, and not the new one. Within `fresh_for` (ms)
    of the rename that counts as a rename back, later as another target that has the name.
    """
    found = {
        target.name: _at(target.renamed_from, targets, names)
        for target in targets.values()
        if target.renamed_from
    }
    for former, present in names.items():
        back = former in targets and present.name not in targets
        if back and now - present.since < fresh_for:
            found.setdefault(former, present.name)
    return found


def _at(former: str, targets: Mapping[str, Named], names: Mapping[str, CurrentName]) -> str:
    """The name under which the history is now: a target may have been renamed
    twice, with one name unmentioned."""
    present = names.get(former)
    return present.name if present and present.name not in targets else former


def taken(
    targets: Mapping[str, Named], names: Mapping[str, CurrentName], renames: Mapping[str, str]
) -> list[str]:
    """Former names that another target has by now: pushes under such a name are that target's."""
    return [former for former in names if former in targets and former not in renames]


def present(targets: Iterable[str], names: Mapping[str, CurrentName]) -> dict[str, str]:
    """Former name -> current name, for former names that no target has."""
    configured = set(targets)
    return {former: at.name for former, at in names.items() if former not in configured}


def with_former(spec: Spec, former: Mapping[str, str], *more: str) -> Spec:
    """The spec with all former names of its target."""
    had = {name for name, now in former.items() if now == spec.target}
    return replace(spec, former=tuple(sorted(had.union(more) - {spec.target})))


def by_present_name(
    observations: Sequence[Observation], former: Mapping[str, str]
) -> list[Observation]:
    """By current names: a Job's labels have the name that its target had when the Job was created."""
    return [(former.get(target, target), observed) for target, observed in observations]
