"""`/api/v1/hooks`: which secrets are still in use, and how many requests were not authenticated."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.http.api.schemas.hooks import HookList
from dispatcher.http.api.serializers.hooks import hook_list
from dispatcher.http.live_config import LiveConfig
from dispatcher.http.responses import json_response
from dispatcher.http.webhooks.rejection_counter import RejectionCounter
from dispatcher.ledger import SecretUsage


class ConfiguredHooks:
    """The endpoint."""

    def __init__(self, live: LiveConfig, usage: SecretUsage, rejections: RejectionCounter) -> None:
        self._live, self._usage, self._rejections = live, usage, rejections

    async def hooks(self, _: Request) -> Response:
        return json_response(await self.look())

    async def look(self) -> HookList:
        await self._rejections.report()
        return await to_thread.run_sync(self._look)

    def _look(self) -> HookList:
        used, rejected = self._usage.used(), self._usage.rejections()
        return hook_list(self._live.now.hooks, used, rejected)
