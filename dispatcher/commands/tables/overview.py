"""Whether everything is all right, and if not what comes first. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from dispatcher.commands.tables.targets import has_failed, held
from dispatcher.http.api.schemas.health import Ready
from dispatcher.http.api.schemas.hooks import HookInfo, HookList
from dispatcher.http.api.schemas.processes import ProcessInfo, ProcessList
from dispatcher.http.api.schemas.queue import QueuedDeploy, QueuePage
from dispatcher.http.api.schemas.targets import TargetInfo, TargetList

OK = "ok"
UNKNOWN = "unknown"
LEADS = "leads"
PARTS = ("ledger", "cluster", "workers", "configuration", "web")
"""Of the readiness, what others depend on first."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not all right."""

    subject: str
    """A part of git-dispatcher, or a target."""
    what: str
    command: str = ""
    """Shows more of it."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Whether everything is all right, at one moment."""

    ok: bool
    problems: tuple[Problem, ...]
    """The first is what others may follow from."""
    version: str
    ledger: str
    cluster: str
    workers: str
    configuration: str
    web: str
    durability: str
    leader: str | None
    """Name of the watcher that leads."""
    processes: dict[str, int]
    """How many are alive, by their kind."""
    hooks: int | None
    """Null where the token does not cover all targets."""
    last_delivery: str | None
    targets: int
    running: int
    waiting: int
    troubled: int
    failed: int
    paused: int
    oldest_wait: QueuedDeploy | None


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the API says; None where it does not answer, or not to this token."""

    ready: Ready
    targets: TargetList | None
    queue: QueuePage | None
    processes: ProcessList | None
    hooks: HookList | None
    unanswered: dict[str, str] = field(default_factory=dict)
    """What was asked for → why there is no answer."""


def status_of(answers: Answers) -> Status:
    targets = answers.targets.targets if answers.targets else ()
    problems = (*_of_parts(answers), *_of_targets(targets))
    alive = [each for each in _processes(answers) if each.liveness == "alive"]
    used = [s.last_used for h in _hooks(answers) for s in h.secrets if s.last_used]
    return Status(
        ok=not problems,
        problems=problems,
        version=_text(answers.ready.version),
        **{name: _text(getattr(answers.ready, name)) for name in PARTS},
        durability=_text(answers.ready.durability),
        leader=next((each.name for each in alive if each.state == LEADS), None),
        processes={kind: [str(e.kind) for e in alive].count(kind) for kind in _kinds(alive)},
        hooks=len(answers.hooks.hooks) if answers.hooks else None,
        last_delivery=max(used, default=None),
        targets=len(targets),
        running=sum(each.active is not None for each in targets),
        waiting=sum(each.waiting_count for each in targets),
        troubled=sum(bool(each.trouble) for each in targets),
        failed=sum(map(has_failed, targets)),
        paused=sum(each.paused is not None for each in targets),
        oldest_wait=next(iter(answers.queue.deploys if answers.queue else ()), None),
    )


def _of_parts(answers: Answers) -> Iterator[Problem]:
    for name in PARTS:
        said = _text(getattr(answers.ready, name))
        if said not in (OK, UNKNOWN):
            yield Problem(subject=name, what=said, command="git-dispatcher system")
    if "can be lost" in (durability := _text(answers.ready.durability)):
        yield Problem(subject="durability", what=durability)
    for asked, why in answers.unanswered.items():
        yield Problem(subject=asked, what=f"the API does not say: {why}")


def _of_targets(targets: tuple[TargetInfo, ...]) -> Iterator[Problem]:
    """Trouble first, then failures. A pause is wanted by somebody, and no problem."""
    for each in targets:
        if each.trouble and not (each.paused and each.trouble == each.paused.reason):
            newest = each.active or next(iter(each.waiting), None)
            command = f"git-dispatcher show {newest.deploy}" if newest else ""
            yield Problem(subject=each.name, what=each.trouble, command=command)
    for each in targets:
        if has_failed(each) and each.last and not held(each):
            what = f"{each.last.deploy} {each.last.state}: {each.last.why}".removesuffix(": ")
            command = f"git-dispatcher show {each.last.deploy}"
            yield Problem(subject=each.name, what=what, command=command)


def _processes(answers: Answers) -> tuple[ProcessInfo, ...]:
    return answers.processes.processes if answers.processes else ()


def _hooks(answers: Answers) -> tuple[HookInfo, ...]:
    return answers.hooks.hooks if answers.hooks else ()


def _kinds(processes: list[ProcessInfo]) -> list[str]:
    return sorted({str(each.kind) for each in processes})


def _text(value: str | msgspec.UnsetType) -> str:
    return UNKNOWN if isinstance(value, msgspec.UnsetType) else value
