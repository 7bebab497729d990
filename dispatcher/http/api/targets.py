"""`/api/v1/targets`: the targets, each with its running, waiting and last deploys."""

from __future__ import annotations

from collections.abc import Sequence

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.config import Target
from dispatcher.domain.trouble import Trouble, pause_trouble
from dispatcher.http.api.requests import RequestParser
from dispatcher.http.api.schemas.targets import TargetInfo, TargetList
from dispatcher.http.api.serializers.pauses import pause_info
from dispatcher.http.api.serializers.targets import target_info
from dispatcher.http.responses import json_response
from dispatcher.ledger import Pauses, Reader, Store, TargetView, read_pauses


class Targets:
    """The endpoints. Must only read. Redis calls run in threads."""

    def __init__(self, parser: RequestParser, store: Store, remind_after: int) -> None:
        """`remind_after`: seconds after which a pause is a trouble of its own; 0 for never."""
        self._parser, self._store, self._remind_after = parser, store, remind_after
        self._reader = Reader(store)

    async def list(self, request: Request) -> Response:
        targets = tuple(self._parser.targets(request).values())
        return json_response(TargetList(await to_thread.run_sync(self._look, targets)))

    async def show(self, request: Request) -> Response:
        target = await self._parser.target(request)
        (info,) = await to_thread.run_sync(self._look, [target])
        return json_response(info)

    def _look(self, targets: Sequence[Target]) -> tuple[TargetInfo, ...]:
        names = [target.name for target in targets]
        found, pauses = self._reader.targets(names), read_pauses(self._store, names)
        now = self._store.now()
        return tuple(
            target_info(
                target, view, pause_info(pauses, target.name), self._trouble(view, pauses, now)
            )
            for target, view in zip(targets, found, strict=True)
        )

    def _trouble(self, view: TargetView, pauses: Pauses, now: int) -> Trouble | None:
        return view.trouble or pause_trouble(pauses.of(view.name), self._remind_after, now)
