"""`/api/v1/hooks`: which secrets are still in use, and how many requests were not authenticated."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.http.api import delivery_views
from dispatcher.http.live_config import Live
from dispatcher.http.responses import answer
from dispatcher.http.webhooks.rejection_counter import RejectionCounter
from dispatcher.ledger import Proofs


class HookList:
    """The endpoint."""

    def __init__(self, live: Live, proofs: Proofs, rejections: RejectionCounter) -> None:
        self._live, self._proofs, self._rejections = live, proofs, rejections

    async def hooks(self, _: Request) -> Response:
        await self._rejections.report()
        return answer(await to_thread.run_sync(self._look))

    def _look(self) -> delivery_views.HookList:
        used, refused = self._proofs.used(), self._proofs.refusals()
        return delivery_views.hook_list(self._live.now.hooks, used, refused)
