"""`/api/v1`: replays of deliveries, as if they had just come. What was pushed since is never undone."""

from __future__ import annotations

import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.config import Hook
from dispatcher.http.api import delivery_views
from dispatcher.http.api.deliveries import found
from dispatcher.http.api.requests import Order, Requests
from dispatcher.http.live_config import Configured, Live
from dispatcher.http.responses import Refusal, answer
from dispatcher.http.webhooks import intake
from dispatcher.http.webhooks.keeping import Came, Replay
from dispatcher.http.webhooks.recording import recorded
from dispatcher.ledger import Deliveries, Kept, Submitter
from dispatcher.webhooks.receiving import parse_delivery
from dispatcher.webhooks.stored_headers import raw_headers

log = structlog.get_logger()


class Replaying:
    """The endpoint. A delivery of the trail was proved when it came."""

    def __init__(
        self, live: Live, requests: Requests, deliveries: Deliveries, submitter: Submitter
    ) -> None:
        self._live, self._requests = live, requests
        self._deliveries, self._submitter = deliveries, submitter

    async def replay(self, request: Request) -> Response:
        order = await self._requests.order(request, Order)
        name = request.path_params["id"]
        came, plan = await to_thread.run_sync(self._plan, name, order)
        said = plan.answer(await recorded(self._submitter, plan))
        _log(came, said)
        body = delivery_views.ReplayAnswer(
            id=came.name,
            replay_of=came.replay.of if came.replay else "",
            delivery=said.delivery,
            results=said.results,
            reason=said.reason,
        )
        return answer(body, said.status)

    def _plan(self, name: str, order: Order) -> tuple[Came, intake.Plan]:
        kept, now = found(self._deliveries, name), self._live.now
        hook = _hook(now, kept)
        came = self._came(kept, order)
        said = parse_delivery(came.provider, raw_headers(came.headers), came.body)
        return came, intake.plan(now, hook, said, came)

    def _came(self, kept: Kept, order: Order) -> Came:
        entry, body = kept.entry, self._deliveries.body(kept.entry.id)
        if body is None:
            message = f"The body of delivery {entry.id} is not kept, since it was too large: send it again"
            raise Refusal(409, "not_replayable", message)
        return Came(
            hook=entry.hook,
            provider=entry.provider,
            headers=entry.headers,
            body=body,
            replay=Replay(
                of=entry.id, first_at=entry.first_at or kept.at, by=order.by, note=order.reason
            ),
        )


def _hook(now: Configured, kept: Kept) -> Hook:
    if (hook := now.hooks.get(kept.entry.hook)) is not None:
        return hook
    message = (
        f"Hook {kept.entry.hook}, to which it came, is not in the configuration any more, and so "
        "it is not known what it may speak for"
    )
    raise Refusal(409, "removed_hook", message)


def _log(came: Came, said: intake.Answer) -> None:
    replay = came.replay
    log.info(
        "replay",
        hook=came.hook,
        delivery=said.delivery,
        replay_of=replay.of if replay else "",
        by=replay.by if replay else "",
        results=[f"{r.target}: {r.outcome} {r.deploy}".rstrip() for r in said.results],
        reason=said.reason,
    )
