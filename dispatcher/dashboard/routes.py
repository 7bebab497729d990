"""Puts the dashboard together: its pages, its forms, its static files."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dispatcher.dashboard.access import Guard, SignIn
from dispatcher.dashboard.live import Live
from dispatcher.dashboard.notices import Notices
from dispatcher.dashboard.orders import Orders
from dispatcher.dashboard.pages.audit import AuditPage
from dispatcher.dashboard.pages.commits import CommitPage
from dispatcher.dashboard.pages.deliveries import DeliveriesPage
from dispatcher.dashboard.pages.deploys import DeployPage
from dispatcher.dashboard.pages.hooks import HooksPage
from dispatcher.dashboard.pages.logs import LogStream
from dispatcher.dashboard.pages.overview import OverviewPage
from dispatcher.dashboard.pages.queue import QueuePage
from dispatcher.dashboard.pages.system import SystemPage
from dispatcher.dashboard.pages.targets import TargetPage
from dispatcher.dashboard.rendering import HEADERS
from dispatcher.dashboard.snapshots import Snapshots
from dispatcher.dashboard.visitors import Visitors
from dispatcher.domain.access import Role
from dispatcher.http.api.deliveries import Deliveries
from dispatcher.http.api.hooks import ConfiguredHooks
from dispatcher.http.api.logs import DeployLogs
from dispatcher.http.api.processes import ProcessRoll
from dispatcher.http.api.queue import WaitingDeploys
from dispatcher.http.api.requests import RequestParser
from dispatcher.http.authentication import ApiTokens
from dispatcher.http.connection.bodies import Bodies
from dispatcher.http.events.hub import EventHub
from dispatcher.http.live_config import LiveConfig
from dispatcher.http.responses import ErrorResponse
from dispatcher.ledger import SignInFailures, Store

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
STATIC_HEADERS = {**HEADERS, "Cache-Control": "no-cache"}


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """What the dashboard is made of."""

    live: LiveConfig
    store: Store
    bodies: Bodies
    parser: RequestParser
    orders: Orders
    deliveries: Deliveries
    hooks: ConfiguredHooks
    logs: DeployLogs
    waiting: WaitingDeploys
    processes: ProcessRoll
    tokens: ApiTokens
    visitors: Visitors
    hub: EventHub
    sign_in_attempts: int
    """How often somebody may fail to sign in from one address in a minute; 0 for no limit."""

    def routes(self) -> list[BaseRoute]:
        guard = Guard(self.visitors, self.bodies)
        failures = SignInFailures(self.store, self.sign_in_attempts)
        sign_in = SignIn(self.visitors, self.tokens, self.bodies, failures)
        notices = Notices(self.live, self.store)
        snapshots = Snapshots(self.live, self.store)
        overview = OverviewPage(snapshots, notices, self.store)
        shown = self.parser, self.live, notices, self.store
        target, deploy = TargetPage(*shown), DeployPage(*shown)
        live = Live(self.hub, self.store, self.visitors)
        return [
            Route("/", guard.page(overview.show)),
            Route("/targets/{target}", guard.page(target.show)),
            Route("/targets/{target}/deploys/{number}", guard.page(deploy.show)),
            Route("/queue", guard.page(QueuePage(self.waiting, notices, self.store).show)),
            Route("/commits/{commit}", guard.page(CommitPage(snapshots, notices, self.store).show)),
            Route(
                "/targets/{target}/deploys/{number}/log",
                guard.page(LogStream(self.parser, self.logs).show),
            ),
            *self._orders(guard),
            *self._of_all(guard, notices),
            Route("/live", guard.page(live.stream)),
            Route("/sign-in", sign_in.show, methods=["GET"]),
            Route("/sign-in", sign_in.sign_in, methods=["POST"]),
            Route("/sign-out", guard.form(sign_in.sign_out, Role.READ), methods=["POST"]),
            Route("/static/{name}", static),
        ]

    def _of_all(self, guard: Guard, notices: Notices) -> list[BaseRoute]:
        """Pages about more than single targets."""
        deliveries = DeliveriesPage(self.deliveries, notices, self.store)
        hooks = HooksPage(self.hooks, notices, self.store)
        system, audit = SystemPage(self.processes, notices, self.store), AuditPage(self.store)
        return [
            Route("/deliveries", guard.page(deliveries.list, everything=True)),
            Route("/deliveries/{id:path}", guard.page(deliveries.show, everything=True)),
            Route("/hooks", guard.page(hooks.show, everything=True)),
            Route("/system", guard.page(system.show, everything=True)),
            Route("/audit", guard.page(audit.show, Role.ADMIN, everything=True)),
        ]

    def _orders(self, guard: Guard) -> list[BaseRoute]:
        """Each order has a page that asks, and a form at the same address."""
        orders = self.orders
        one = "/targets/{target}/deploys/{number}"
        of_targets = [
            ("/targets/{target}/redeploy", orders.ask_redeploy, orders.redeploy),
            ("/targets/{target}/pause", orders.ask_pause, orders.pause),
            ("/targets/{target}/resume", orders.ask_resume, orders.resume),
            (f"{one}/redeploy", orders.ask_redeploy, orders.redeploy),
            (f"{one}/cancel", orders.ask_cancel, orders.cancel),
            (f"{one}/release", orders.ask_release, orders.release),
        ]
        of_all = [
            ("/pause", orders.ask_pause, orders.pause),
            ("/resume", orders.ask_resume, orders.resume),
            ("/deliveries/{id:path}/replay", orders.ask_replay, orders.replay),
        ]
        return [
            route
            for given, everything in ((of_targets, False), (of_all, True))
            for path, ask, give in given
            for route in (
                Route(path, guard.page(ask, Role.OPERATE, everything=everything), methods=["GET"]),
                Route(path, guard.form(give, everything=everything), methods=["POST"]),
            )
        ]


async def static(request: Request) -> Response:
    """A file of the package. The browser asks each time whether it has changed, since a new version may run."""
    content = _files().get(request.path_params["name"])
    if content is None:
        raise ErrorResponse(404, "not_found", "Not Found")
    body, kind = content
    return Response(body, 200, STATIC_HEADERS, kind)


def _files() -> dict[str, tuple[bytes, str]]:
    return _FILES


def _read() -> dict[str, tuple[bytes, str]]:
    folder = files("dispatcher.dashboard") / "static"
    return {
        each.name: (each.read_bytes(), TYPES["." + each.name.rpartition(".")[2]])
        for each in folder.iterdir()
        if each.is_file()
    }


_FILES = _read()
