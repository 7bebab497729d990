"""Processes as JSON bodies. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from dispatcher.domain.process import (
    Heartbeat,
    Liveness,
    LoadedConfiguration,
    Roll,
    configuration_health,
    workers_health,
)
from dispatcher.http.api.schemas.processes import (
    ConfigurationInfo,
    ProcessInfo,
    ProcessList,
    WorkInfo,
)
from dispatcher.http.api.schemas.times import rfc3339
from dispatcher.ledger import TakenWakeUp

ORDER = tuple(Liveness)


def process_list(roll: Roll, taken: Mapping[str, TakenWakeUp]) -> ProcessList:
    """`taken`: by the name of the worker."""
    infos = [
        _process_info(each, roll.now, taken.get(each.process.name)) for each in roll.heartbeats
    ]
    infos.sort(key=lambda each: (ORDER.index(each.liveness), each.kind, each.name))
    return ProcessList(
        workers=workers_health(roll),
        configuration=configuration_health(roll),
        processes=tuple(infos),
    )


def _process_info(heartbeat: Heartbeat, now: int, taken: TakenWakeUp | None) -> ProcessInfo:
    process, at = heartbeat.process, heartbeat.at
    return ProcessInfo(
        name=process.name,
        kind=process.kind,
        liveness=heartbeat.liveness(now),
        state=process.state,
        host=process.host,
        pid=process.pid,
        version=process.version,
        started_at=rfc3339(at - process.up_for),
        heartbeat_at=rfc3339(at),
        works_on=WorkInfo(target=taken.target, since=rfc3339(taken.since)) if taken else None,
        configuration=_configuration(process.configuration, at),
    )


def _configuration(loaded: LoadedConfiguration | None, at: int) -> ConfigurationInfo | None:
    if loaded is None:
        return None
    return ConfigurationInfo(
        digest=loaded.digest,
        loaded_at=rfc3339(at - loaded.age),
        refused_at=rfc3339(at - loaded.refused_for) if loaded.refused_for else None,
        mistakes=loaded.mistakes,
    )
