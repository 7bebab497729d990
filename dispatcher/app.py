"""Builds the web application: the only module that connects HTTP, configuration and ledger."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Router

from dispatcher.config import Environment
from dispatcher.config.reloading import Reloader
from dispatcher.dashboard.orders import Orders
from dispatcher.dashboard.routes import Dashboard
from dispatcher.dashboard.visitors import Cookies, Visitors
from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.domain.process import ProcessKind
from dispatcher.heartbeats import Heartbeats
from dispatcher.http.api.access import Access
from dispatcher.http.api.audited import AuditLog
from dispatcher.http.api.commits import RepositoryCommits
from dispatcher.http.api.deliveries import Deliveries
from dispatcher.http.api.deploy_search import DeploySearch
from dispatcher.http.api.deploys import Deploys
from dispatcher.http.api.events import EventLog
from dispatcher.http.api.hooks import ConfiguredHooks
from dispatcher.http.api.log_reading import BLOCK as LOG_WAIT
from dispatcher.http.api.logs import DeployLogs
from dispatcher.http.api.notifications import Receivers
from dispatcher.http.api.pauses import Pausing
from dispatcher.http.api.processes import ProcessRoll
from dispatcher.http.api.queue import WaitingDeploys
from dispatcher.http.api.redeploys import Redeploys
from dispatcher.http.api.repairs import RepairLog
from dispatcher.http.api.replays import Replays
from dispatcher.http.api.requests import RequestParser
from dispatcher.http.api.system import System
from dispatcher.http.api.targets import Targets
from dispatcher.http.authentication import ApiTokens, TokenAuthentication
from dispatcher.http.background import Background
from dispatcher.http.client_address import Proxies
from dispatcher.http.connection.bodies import Bodies
from dispatcher.http.connection.connection_limits import ConnectionLimits
from dispatcher.http.connection.header_limits import HeaderLimits
from dispatcher.http.connection.protocol import ON_SHUTDOWN
from dispatcher.http.events.hub import BLOCK, EventHub
from dispatcher.http.health import Health
from dispatcher.http.live_config import LOOK_EVERY, LiveConfig
from dispatcher.http.metrics import Metrics
from dispatcher.http.openapi.document import document
from dispatcher.http.openapi.endpoint import OpenApi
from dispatcher.http.operations import API, OPERATIONS, Endpoints, api_routes, open_routes
from dispatcher.http.responses import ErrorResponse, handle_error
from dispatcher.http.roll_call import LOOK_EVERY as CALL_EVERY
from dispatcher.http.roll_call import RollCall
from dispatcher.http.webhooks.endpoint import Hooks
from dispatcher.http.webhooks.rate_limit import COUNT_WITHIN, RateLimiter
from dispatcher.http.webhooks.rejection_counter import EVERY, RejectionCounter
from dispatcher.ledger import (
    AuthFailures,
    DeliveryLog,
    Events,
    Keys,
    LogReader,
    Processes,
    RateLimits,
    Reader,
    SecretUsage,
    Sessions,
    Store,
    Submitter,
    Timeouts,
    Tokens,
    WakeUps,
    connect,
)
from dispatcher.metrics.configuration import add_configuration
from dispatcher.metrics.connections import add_connections
from dispatcher.metrics.ledger import PROBE_TIMEOUT, LedgerMetrics, LedgerProbe
from dispatcher.metrics.registry import Registry
from dispatcher.metrics.web import WebMetrics

HANDLED = (HTTPException, ErrorResponse, LedgerUnavailable, Exception)
"""Exceptions that `handle_error` turns into error responses."""


@dataclass(frozen=True)
class Parts:
    """The objects that the endpoints share."""

    live: LiveConfig
    store: Store
    wake_ups: WakeUps
    submitter: Submitter
    bodies: Bodies
    failures: AuthFailures
    usage: SecretUsage
    rejections: RejectionCounter
    background: Background
    roll_call: RollCall
    metrics: WebMetrics
    probe: Store
    """Its client asks Redis during a scrape."""
    remind_after: int
    blocking: Store
    """Its reads wait for what happens."""
    hub: EventHub
    instance: str
    logs: LogReader
    log_readers: int


def create_app(
    settings: Environment,
    source: Reloader,
    *,
    allow_insecure: bool = False,
    look_every: float = LOOK_EVERY,
    limits: ConnectionLimits | None = None,
) -> Starlette:
    """The ASGI application, for one run; it connects to Redis on first use.

    `allow_insecure`: hooks without secrets accept deliveries on any address, with any Host and Origin.
    `look_every`: seconds between two looks at the configuration's files. `limits`: of the server's connections,
    for their metrics.
    """
    parts = _parts(settings, source, limits or ConnectionLimits())
    app = Starlette(
        exception_handlers=dict.fromkeys(HANDLED, handle_error),
        middleware=[Middleware(HeaderLimits)],
        lifespan=lambda _: _running(parts, look_every),
    )
    app.router.routes.extend(_routes(parts, settings, accept_foreign_hosts=allow_insecure))
    app.router.redirect_slashes = False
    return app


def _parts(settings: Environment, source: Reloader, limits: ConnectionLimits) -> Parts:
    url = settings.redis_url.reveal().decode()
    keys, timeouts = Keys(settings.instance), Timeouts(lease=settings.lease * 1000)
    registry = Registry("web")
    observe = LedgerMetrics(registry).round_trip
    store = Store(connect(url, observe=observe), keys, timeouts=timeouts)
    queue = connect(url, text=False, observe=observe)
    wake_ups = WakeUps(queue, settings.queue, settings.instance)
    submitter = Submitter(store, wake_ups)
    impatient = Store(connect(url, timeout=COUNT_WITHIN), keys, timeouts=timeouts)
    failures = AuthFailures(impatient, _rate_limits(settings))
    live, usage = LiveConfig(source), SecretUsage(store)
    probe = Store(connect(url, timeout=PROBE_TIMEOUT), keys, timeouts=timeouts)
    LedgerProbe(registry, probe)
    add_configuration(registry, source)
    add_connections(registry, lambda: (len(limits), limits.refused))
    blocking = Store(connect(url, timeout=2 * BLOCK / 1000), keys, timeouts=timeouts)
    bounds = settings.subscribers, settings.subscribers_per_token
    return Parts(
        live=live,
        store=store,
        wake_ups=wake_ups,
        submitter=submitter,
        bodies=Bodies(),
        failures=failures,
        usage=usage,
        rejections=RejectionCounter(live, usage),
        background=Background(),
        roll_call=_roll_call(Processes(store), source),
        metrics=WebMetrics(registry),
        probe=probe,
        remind_after=settings.pause_reminder,
        blocking=blocking,
        hub=EventHub(Events(blocking), *bounds),
        instance=settings.instance,
        logs=LogReader(url, keys, LOG_WAIT),
        log_readers=settings.log_readers,
    )


def _roll_call(processes: Processes, source: Reloader) -> RollCall:
    return RollCall(processes, Heartbeats(processes, ProcessKind.WEB, source.loaded))


def _rate_limits(settings: Environment) -> RateLimits:
    return RateLimits(settings.failures_per_address, settings.failures_per_hook)


def _routes(parts: Parts, settings: Environment, *, accept_foreign_hosts: bool) -> list[BaseRoute]:
    proxies = Proxies(settings.trusted_proxies, settings.proxy_header)
    tokens = ApiTokens(settings.api_tokens, Tokens(parts.store))
    metrics = Metrics(parts.metrics.registry, tokens, proxies, settings.metrics_from)
    endpoints = _endpoints(
        parts, proxies, tokens, metrics, accept_foreign_hosts=accept_foreign_hosts
    )
    dashboard = _dashboard(parts, settings, endpoints, proxies, tokens)
    signed_in = dashboard.visitors.caller
    guarded = Router(
        api_routes(OPERATIONS, endpoints),
        redirect_slashes=False,
        middleware=[Middleware(TokenAuthentication, tokens, proxies, signed_in)],
    )
    return [
        *open_routes(OPERATIONS, endpoints),
        Mount(API, app=guarded),
        *dashboard.routes(),
    ]


def _dashboard(
    parts: Parts, settings: Environment, at: Endpoints, proxies: Proxies, tokens: ApiTokens
) -> Dashboard:
    parser = RequestParser(parts.live, parts.bodies, Reader(parts.store))
    orders = Orders(parser, parts.store, at.deploys, at.redeploys, at.pauses, at.replays)
    visitors = Visitors(
        Sessions(parts.store, settings.session),
        tokens,
        proxies,
        Cookies(settings.instance, settings.session),
        settings.user_header,
        settings.user_roles,
    )
    return Dashboard(
        live=parts.live,
        store=parts.store,
        bodies=parts.bodies,
        parser=parser,
        orders=orders,
        deliveries=at.deliveries,
        hooks=at.configured_hooks,
        logs=at.logs,
        waiting=at.queue,
        processes=at.processes,
        tokens=tokens,
        visitors=visitors,
        hub=parts.hub,
        sign_in_attempts=settings.failures_per_address,
    )


def _endpoints(
    parts: Parts,
    proxies: Proxies,
    tokens: ApiTokens,
    metrics: Metrics,
    *,
    accept_foreign_hosts: bool,
) -> Endpoints:
    live, store, wake_ups = parts.live, parts.store, parts.wake_ups
    limiter = RateLimiter(parts.failures)
    taking = live, parts.submitter, parts.bodies, proxies, limiter, parts.rejections
    reader = Reader(store)
    parser = RequestParser(live, parts.bodies, reader)
    deliveries, audit = DeliveryLog(store), AuditLog(store)
    health, roll = Health(store, parts.background, tokens), ProcessRoll(store, wake_ups)
    return Endpoints(
        hooks=Hooks(*taking, observer=parts.metrics, accept_foreign_hosts=accept_foreign_hosts),
        metrics=metrics,
        health=health,
        document=_open_api(),
        targets=Targets(live, parser, store, parts.remind_after),
        deploys=Deploys(live, parser, store, wake_ups, audit),
        deploy_search=DeploySearch(live, store),
        queue=WaitingDeploys(live, store),
        commits=RepositoryCommits(live, parser, store),
        logs=DeployLogs(live, parser, store, parts.logs, parts.log_readers),
        redeploys=Redeploys(parser, store, wake_ups, audit),
        events=EventLog(parts.hub, store, tokens.caller),
        pauses=Pausing(parser, store, wake_ups, audit),
        processes=roll,
        system=System(store, roll, parts.usage, parts.rejections, health.report),
        repairs=RepairLog(store),
        configured_hooks=ConfiguredHooks(live, parts.usage, parts.rejections),
        deliveries=Deliveries(live, deliveries, reader),
        access=Access(parser, store, audit),
        replays=Replays(live, parser, deliveries, parts.submitter, audit),
        receivers=Receivers(live, parser, store, audit, parts.instance),
    )


@cache
def _open_api() -> OpenApi:
    """One for all applications in a process: the document depends on the version only."""
    return OpenApi(document(OPERATIONS))


def _end_streams(parts: Parts) -> None:
    parts.hub.stop()
    parts.logs.stop()


@contextlib.asynccontextmanager
async def _running(parts: Parts, look_every: float) -> AsyncIterator[dict[str, Any]]:
    """Reloads the configuration and submits pushes; on shutdown it still records what it has accepted. Its
    state is what `Connection` calls before that."""
    parts.submitter.__enter__()
    parts.background.start("reading the configuration again", look_every, parts.live.look)
    parts.background.start("counting rejections", EVERY, parts.rejections.report_again)
    parts.background.start("calling the roll", CALL_EVERY, parts.roll_call.look)
    parts.background.start("following events", 0.0, parts.hub.follow)
    try:
        yield {ON_SHUTDOWN: lambda: _end_streams(parts)}
    finally:
        await parts.background.stop()
        with contextlib.suppress(LedgerUnavailable):
            await parts.rejections.report()
        await parts.roll_call.end()
        await to_thread.run_sync(parts.submitter.__exit__)
        await parts.logs.close()
        parts.store.client.close()
        parts.failures.store.client.close()
        parts.blocking.client.close()
        parts.wake_ups.queue.connection.close()
        parts.probe.client.close()
