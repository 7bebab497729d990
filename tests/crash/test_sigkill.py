"""Every process is killed and paused at random while pushes arrive. Nothing is lost, and nothing overlaps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dispatcher.ledger import Repairs
from tests.crash import checks
from tests.crash.fault_injector import FaultInjector
from tests.crash.pusher import Pusher
from tests.crash.run_log import read_lines, starts
from tests.crash.target_kinds import KINDS, TargetKind, settings
from tests.system.installation import Installation
from tests.waiting import eventually

LONG_MINUTES = 1.0
"""From here on each kind of target is there twice, and pushes are rarer."""
SETTLE_SECONDS = 90.0
AGREE_SECONDS = 20.0


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--seed"))


@pytest.fixture
def minutes(request: pytest.FixtureRequest) -> float:
    return float(request.config.getoption("--minutes"))


@pytest.fixture
def kinds(minutes: float) -> dict[str, TargetKind]:
    """The targets, by name."""
    those = KINDS * (2 if minutes >= LONG_MINUTES else 1)
    return {f"crash-{n}": kind for n, kind in enumerate(those)}


@pytest.fixture
def system(tmp_path: Path, kinds: dict[str, TargetKind]) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    targets = {name: settings(kind, n) for n, (name, kind) in enumerate(kinds.items())}
    installation.start(workers=2, watchers=2, targets=targets)
    yield installation
    installation.stop()


def test_what_was_acknowledged_is_deployed_and_no_two_pods_run_at_once(
    system: Installation, kinds: dict[str, TargetKind], seed: int, minutes: float
) -> None:
    pushers = [
        Pusher(system.configured(name), kind, seed + n, pace=len(kinds) / 10)
        for n, (name, kind) in enumerate(kinds.items(), 1)
    ]
    for pusher in pushers:
        pusher.start()

    faults = FaultInjector(system, kinds, seed)
    faults.run(minutes * 60)
    for pusher in pushers:
        pusher.stop()
    for pusher in pushers:
        pusher.join()

    assert eventually(lambda: _answers(system))
    eventually(lambda: all(map(_is_settled, pushers)), SETTLE_SECONDS)
    eventually(lambda: not checks.disagreements(system, pushers), AGREE_SECONDS, every=0.5)
    for pusher in pushers:
        pusher.note_starts()
    wrong = [each for pusher in pushers for each in checks.about(pusher)]
    wrong += [*system.pod_history.overlaps, *checks.disagreements(system, pushers)]
    print(f"\n{_figures(system, pushers, faults.done, seed, minutes)}, violations {len(wrong)}")
    assert sum(faults.done.values()) >= 5
    assert not wrong, _story(pushers, wrong)


def _answers(system: Installation) -> bool:
    try:
        return system.answers() and system.kube.get("/api/v1/pods").is_success
    except httpx.HTTPError:
        return False


def _is_settled(pusher: Pusher) -> bool:
    return all(deploy.terminal for deploy in pusher.target.deploys())


def _figures(
    system: Installation, pushers: list[Pusher], injected: Counter[str], seed: int, minutes: float
) -> str:
    deploys = sum(pusher.target.deploys()[0].number for pusher in pushers)
    ran = sum(len(starts(read_lines(system.markers, p.target.name))) for p in pushers)
    faults = ", ".join(f"{what} {count}" for what, count in sorted(injected.items()))
    counts = Repairs(system.store).counts()
    repairs = ", ".join(f"{kind} {count}" for kind, count in counts.items() if count)
    return (
        f"seed {seed}, {minutes:g} min, {len(pushers)} targets: "
        f"{sum(pusher.pushes for pusher in pushers)} pushes answered 2xx, {deploys} deploys, "
        f"{ran} Pods run; {faults}; repairs: {repairs or 'none'}"
    )


def _story(pushers: list[Pusher], wrong: list[str]) -> str:
    """All that is wrong, and everything about the targets that it is about."""
    told = [p for p in pushers if any(re.search(rf"\b{p.target.name}\b", each) for each in wrong)]
    return "\n\n".join(["\n".join(wrong), *(p.target.story(p.story()) for p in told[:3])])
