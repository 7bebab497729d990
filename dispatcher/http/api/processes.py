"""`/api/v1/processes`: every process of the installation, and whether it is alive."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.http.api.schemas.processes import ProcessList
from dispatcher.http.api.serializers.processes import process_list
from dispatcher.http.responses import json_response
from dispatcher.ledger import Processes, RqTasks, Store, WakeUps


class ProcessRoll:
    """The endpoint. Redis calls run in threads."""

    def __init__(self, store: Store, wake_ups: WakeUps) -> None:
        self._processes, self._tasks = Processes(store), RqTasks(wake_ups)

    async def list(self, _: Request) -> Response:
        return json_response(await to_thread.run_sync(self.read))

    def read(self) -> ProcessList:
        """Raises LedgerUnavailable."""
        # A worker that lost Redis for a while goes on under its process's name with a number.
        taken = {each.worker.partition(".worker-")[0]: each for each in self._tasks.taken()}
        return process_list(self._processes.roll(), taken)
