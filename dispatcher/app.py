"""The web application, put together: the only place where HTTP, configuration and ledger meet."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route, Router

from dispatcher.config import Environment
from dispatcher.errors import LedgerUnavailable
from dispatcher.http.answers import Refusal, refused
from dispatcher.http.api import Api
from dispatcher.http.bodies import Bodies
from dispatcher.http.health import Health
from dispatcher.http.hooks import Hooks
from dispatcher.http.live import Live
from dispatcher.http.operations import Operating
from dispatcher.http.redeploys import Redeploying
from dispatcher.http.requests import Requests
from dispatcher.http.tokens import Guard
from dispatcher.ledger import Keys, Ledger, Limits, Reader, Submitter, WakeUps, connect
from dispatcher.reloading import Reloader

API = "/api/v1"
REFUSED = (HTTPException, Refusal, LedgerUnavailable, Exception)
"""What ends a request, each with an answer of its own."""


@dataclass(frozen=True)
class Parts:
    """What the endpoints work with."""

    live: Live
    ledger: Ledger
    wake_ups: WakeUps
    submitter: Submitter
    bodies: Bodies


def create_app(settings: Environment, source: Reloader) -> Starlette:
    """The ASGI application, for one run; it connects to Redis when it first needs to."""
    parts = _parts(settings, source)
    app = Starlette(
        exception_handlers=dict.fromkeys(REFUSED, refused),
        lifespan=lambda _: _running(parts),
    )
    app.router.routes.extend(_routes(parts, settings))
    app.router.redirect_slashes = False
    return app


def _parts(settings: Environment, source: Reloader) -> Parts:
    url = settings.redis_url.reveal().decode()
    limits = Limits(lease=settings.lease * 1000)
    ledger = Ledger(connect(url), Keys(settings.instance), limits)
    wake_ups = WakeUps(connect(url, text=False), settings.queue, settings.instance)
    submitter = Submitter(ledger.scripts, wake_ups, ledger.keys, limits)
    return Parts(Live(source), ledger, wake_ups, submitter, Bodies())


def _routes(parts: Parts, settings: Environment) -> list[BaseRoute]:
    hooks = Hooks(parts.live, parts.submitter, parts.bodies)
    health = Health(parts.ledger)
    requests = Requests(parts.live, parts.bodies, Reader(parts.ledger.client, parts.ledger.keys))
    api = Api(requests, parts.ledger)
    redeploying = Redeploying(requests, parts.ledger, parts.wake_ups)
    operating = Operating(requests, parts.ledger, parts.wake_ups)
    guarded = Router(
        [*api.routes(), *redeploying.routes(), *operating.routes()],
        redirect_slashes=False,
        middleware=[Middleware(Guard, settings.api_tokens)],
    )
    return [
        Route("/webhooks/{hook}", hooks.deliver, methods=["POST"]),
        Route("/livez", health.live),
        Route("/readyz", health.ready),
        Mount(API, app=guarded),
    ]


@contextlib.asynccontextmanager
async def _running(parts: Parts) -> AsyncIterator[None]:
    """Follows the configuration and gathers pushes; at the end, what was handed in is recorded."""
    parts.submitter.__enter__()
    following = asyncio.create_task(parts.live.follow())
    try:
        yield
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        await to_thread.run_sync(parts.submitter.__exit__)
        parts.ledger.client.close()
        parts.wake_ups.queue.connection.close()
