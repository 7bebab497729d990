"""`/api/v1/deliveries`: stored deliveries, and why each target of the repository deployed or not."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from anyio import to_thread
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.domain.delivery import Delivery
from dispatcher.domain.deploy import State
from dispatcher.domain.outcome import Result
from dispatcher.http.api.requests import line, page_limit
from dispatcher.http.api.schemas.deliveries import (
    DeliveryDetail,
    DeliveryInfo,
    DeliveryList,
)
from dispatcher.http.api.serializers.deliveries import delivery_detail, delivery_info
from dispatcher.http.connection.bodies import MIB
from dispatcher.http.live_config import LiveConfig
from dispatcher.http.responses import ErrorResponse, json_response
from dispatcher.ledger import DeliveryLog, LoggedDelivery, Reader
from dispatcher.matching.evaluation import Explanation, explain
from dispatcher.webhooks.receiving import parse_delivery
from dispatcher.webhooks.results import Received

USUAL, MOST = 100, 1000
"""Most deliveries in one response."""
MOST_BYTES = 2 * MIB
"""Most results in one response, unless its first delivery alone has more."""
AT_ONCE = 20
"""Deliveries that are read from Redis at a time."""
LONGEST_NAME = 600
"""Longest ID of a delivery that is looked up."""


class Deliveries:
    """The endpoints. Must only read."""

    def __init__(self, live: LiveConfig, log: DeliveryLog, reader: Reader) -> None:
        self._live, self._log, self._reader = live, log, reader

    async def deliveries(self, request: Request) -> Response:
        return json_response(
            await to_thread.run_sync(self._newest, page_limit(request, USUAL, MOST))
        )

    def _newest(self, limit: int) -> DeliveryList:
        """The newest deliveries, read a few at a time until the response is full."""
        infos: dict[str, DeliveryInfo] = {}
        size = 0
        for skip in range(0, limit, AT_ONCE):
            logged = self._log.newest(min(AT_ONCE, limit - skip), skip)
            for info in map(delivery_info, logged):
                size += len(msgspec.json.encode(info))
                if infos and size > MOST_BYTES:
                    return DeliveryList(tuple(infos.values()), cut=True)
                infos[info.id] = info
            if len(logged) < AT_ONCE:
                break
        return DeliveryList(tuple(infos.values()))

    async def delivery(self, request: Request) -> Response:
        name = request.path_params["id"]
        return json_response(await to_thread.run_sync(self.look, name))

    def look(self, name: str) -> DeliveryDetail:
        """With what came of it then, and what each target makes of it now. Raises ErrorResponse."""
        logged = found(self._log, name)
        known = logged.delivery.hook in self._live.now.hooks
        body = self._log.body(logged.delivery.id) if known else None
        return delivery_detail(
            logged,
            self._states(each for each in logged.results if each),
            self._explained(replace(logged.delivery, body=body)) if body is not None else (),
            replayable=body is not None,
        )

    def _states(self, results: Iterable[Result]) -> dict[str, State]:
        names = dict.fromkeys(each.deploy for each in results if each.deploy)
        parts = {name: name.rpartition("/") for name in names}
        deploys = {
            name: self._reader.deploy(target, int(number))
            for name, (target, _, number) in parts.items()
        }
        return {name: deploy.state for name, deploy in deploys.items() if deploy}

    def _explained(self, delivery: Delivery) -> tuple[Explanation, ...]:
        """Explains it by the current configuration, which may differ from the one it arrived under."""
        now, parsed = self._live.now, parse_delivery(delivery)
        pushes = parsed.pushes if isinstance(parsed, Received) else ()
        return explain(pushes, now.scopes[delivery.hook], now.matcher)


def found(log: DeliveryLog, name: str) -> LoggedDelivery:
    """Raises ErrorResponse."""
    logged = log.find(name) if len(name) <= LONGEST_NAME else None
    if logged is None:
        raise ErrorResponse(
            404,
            "unknown_delivery",
            f"There is no delivery {line(name)[:100]!r}, or the log no longer has it: use an id from the "
            "list of deliveries, or the Git host's own",
        )
    return logged
