"""`/api/v1/system`: the installation as a whole, and the pushes that it never took. Must only read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.http.api.processes import ProcessRoll
from dispatcher.http.api.schemas.system import HealthInfo, SystemInfo
from dispatcher.http.api.serializers import system as bodies
from dispatcher.http.api.serializers.pauses import pause_info
from dispatcher.http.responses import json_response
from dispatcher.http.webhooks.rejection_counter import RejectionCounter
from dispatcher.ledger import (
    Reader,
    Repairs,
    SecretUsage,
    Store,
    WatcherHealth,
    read_pauses,
    read_server,
)

CheckHealth = Callable[[], Awaitable[Mapping[str, str]]]


class System:
    """The endpoint. Redis calls run in threads."""

    def __init__(
        self,
        store: Store,
        roll: ProcessRoll,
        usage: SecretUsage,
        rejections: RejectionCounter,
        check_health: CheckHealth,
    ) -> None:
        self._store, self._roll, self._usage = store, roll, usage
        self._rejections, self._check_health = rejections, check_health
        self._reader, self._repairs = Reader(store), Repairs(store)
        self._watcher = WatcherHealth(store)

    async def show(self, _: Request) -> Response:
        await self._rejections.report()
        health = HealthInfo(**await self._check_health())
        return json_response(await to_thread.run_sync(self._look, health))

    def _look(self, health: HealthInfo) -> SystemInfo:
        processes = bodies.present(self._roll.read().processes)
        counts, last = self._usage.refused()
        return SystemInfo(
            health=health,
            versions=bodies.versions(processes),
            leader=bodies.leader(processes) if self._watcher.has_leader() else None,
            ledger=bodies.ledger_info(read_server(self._store), self._reader.durability()),
            watch_problems=tuple(map(bodies.watch_problem_info, self._watcher.problems())),
            configurations=bodies.configurations(processes),
            paused=pause_info(read_pauses(self._store), None),
            repairs={str(kind): count for kind, count in self._repairs.counts().items()},
            never_taken=bodies.never_taken(counts, last),
        )
