"""`/api/v1/hooks`: which secrets are still in use, and what came that nothing proved."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.http.api import delivery_views
from dispatcher.http.live_config import Live
from dispatcher.http.responses import answer
from dispatcher.http.webhooks.rejection_counter import Unproved
from dispatcher.ledger import Proofs


class HookList:
    """The endpoint."""

    def __init__(self, live: Live, proofs: Proofs, unproved: Unproved) -> None:
        self._live, self._proofs, self._unproved = live, proofs, unproved

    async def hooks(self, _: Request) -> Response:
        await self._unproved.report()
        return answer(await to_thread.run_sync(self._look))

    def _look(self) -> delivery_views.HookList:
        used, refused = self._proofs.used(), self._proofs.refusals()
        return delivery_views.hook_list(self._live.now.hooks, used, refused)
