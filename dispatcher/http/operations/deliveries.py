"""Operations: hooks, and what they received."""

from __future__ import annotations

from dispatcher.domain.access import Role
from dispatcher.http.api import deliveries
from dispatcher.http.api.requests import Order
from dispatcher.http.api.schemas.deliveries import DeliveryDetail, DeliveryList, ReplayAnswer
from dispatcher.http.api.schemas.hooks import HookList
from dispatcher.http.openapi.operation import Operation, codes
from dispatcher.http.operations.endpoints import Endpoints
from dispatcher.http.operations.shared import LIMIT, limit

DELIVERY = codes("404 unknown_delivery")

OPERATIONS: tuple[Operation[Endpoints], ...] = (
    Operation(
        method="GET",
        path="/api/v1/hooks",
        handler=lambda at: at.configured_hooks.hooks,
        summary="Hooks, when their secrets were last used, and how many requests were rejected",
        responses={200: HookList},
        everything=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/deliveries",
        handler=lambda at: at.deliveries.deliveries,
        summary="Deliveries, newest first",
        responses={200: DeliveryList},
        own_errors=LIMIT,
        parameters=(limit(deliveries.MOST, deliveries.USUAL),),
        everything=True,
    ),
    Operation(
        method="POST",
        path="/api/v1/deliveries/{id:path}/replay",
        handler=lambda at: at.replays.replay,
        summary="Replay a delivery as if it had just arrived",
        responses={202: ReplayAnswer, 200: ReplayAnswer},
        own_errors=DELIVERY | codes("409 not_replayable removed_hook"),
        body=Order,
        role=Role.OPERATE,
        everything=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/deliveries/{id:path}",
        handler=lambda at: at.deliveries.delivery,
        summary="A delivery, and what each target makes of it",
        responses={200: DeliveryDetail},
        own_errors=DELIVERY,
        everything=True,
    ),
)
"""`/replay` comes before the id that could end with it: where no operation of a path has the method, a 405
names the methods of the first that matches."""
