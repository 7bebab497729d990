"""The installation as a JSON body. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from dispatcher.domain.process import Liveness, ProcessKind
from dispatcher.http.api.schemas.processes import ProcessInfo
from dispatcher.http.api.schemas.system import (
    LedgerInfo,
    ProcessConfiguration,
    RefusedDeliveries,
    WatchProblemInfo,
)
from dispatcher.http.api.schemas.times import rfc3339
from dispatcher.ledger import LedgerServer, WatchProblem

Counts = Mapping[tuple[str, str], int]


def ledger_info(server: LedgerServer, durability: str) -> LedgerInfo:
    return LedgerInfo(
        server=server.name,
        version=server.version,
        used_memory=server.used_memory,
        max_memory=server.max_memory,
        up_for=server.up_for,
        durability=durability,
    )


def watch_problem_info(problem: WatchProblem) -> WatchProblemInfo:
    since = rfc3339(problem.since)
    return WatchProblemInfo(
        namespace=problem.namespace, kind=problem.kind, why=problem.why, since=since
    )


def never_taken(counts: Counts, last: Counts) -> tuple[RefusedDeliveries, ...]:
    return tuple(
        RefusedDeliveries(
            hook=hook,
            status=int(status),
            count=count,
            last_at=rfc3339(last.get((hook, status), 0)),
        )
        for (hook, status), count in sorted(counts.items())
    )


def present(processes: Sequence[ProcessInfo]) -> list[ProcessInfo]:
    return [each for each in processes if each.liveness is not Liveness.GONE]


def versions(processes: Sequence[ProcessInfo]) -> dict[str, int]:
    return dict(Counter(each.version for each in processes))


def leader(processes: Sequence[ProcessInfo]) -> str | None:
    leads = (p.name for p in processes if p.kind is ProcessKind.WATCHER and p.state == "leads")
    return next(leads, None)


def configurations(processes: Sequence[ProcessInfo]) -> tuple[ProcessConfiguration, ...]:
    return tuple(
        ProcessConfiguration(process=each.name, kind=each.kind, configuration=each.configuration)
        for each in processes
        if each.configuration
    )
