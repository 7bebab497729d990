"""Renders the pages: templates that escape whatever they are given, and the headers of every page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from dispatcher import __version__
from dispatcher.commands.formatting import age, span
from dispatcher.dashboard.visitors import Visitor
from dispatcher.domain.access import Role
from dispatcher.domain.refs import short_ref
from dispatcher.http.api.schemas.times import rfc3339

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
COMMIT = 10
"""Characters of a commit that are shown."""

environment = Environment(
    loader=PackageLoader("dispatcher.dashboard"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _iso(milliseconds: int) -> str:
    return rfc3339(milliseconds) or ""


def _ago(milliseconds: int, now: datetime) -> str:
    return age(rfc3339(milliseconds), now)


def _clock(milliseconds: int) -> str:
    """The time of day, in UTC; its date is in the title."""
    return (rfc3339(milliseconds) or "")[11:19]


def _bare(repository: str) -> str:
    """Without what every address has in common."""
    return repository.removeprefix("https://").removesuffix(".git")


def _nav(sees_all: bool, may_admin: bool) -> list[tuple[str, str]]:
    """The pages that the visitor may open."""
    of_all = [("/deliveries", "Deliveries"), ("/hooks", "Hooks"), ("/system", "System")]
    audit = [("/audit", "Audit")] if may_admin else []
    return [("/", "Overview"), ("/queue", "Queue"), *((*of_all, *audit) if sees_all else ())]


environment.filters |= {
    "iso": _iso,
    "ago": _ago,
    "clock": _clock,
    "since": age,
    "bare": _bare,
    "span": span,
    "commit": lambda commit: commit[:COMMIT],
    "ref": short_ref,
}
environment.globals |= {"version": __version__, "nav": _nav}


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page, for the visitor whom the request is from."""
    visitor: Visitor | None = request.scope.get("state", {}).get("visitor")
    text = environment.get_template(template).render(
        path=request.url.path,
        address=_address(request),
        visitor=visitor,
        may_operate=bool(visitor and visitor.caller.role.includes(Role.OPERATE)),
        may_admin=bool(visitor and visitor.caller.role.includes(Role.ADMIN)),
        sees_all=bool(visitor and not visitor.caller.targets),
        csrf=visitor.session.csrf if visitor else "",
        now=datetime.now(UTC),
        **{"json": "", "cli": "", "topic": "", "newest": "", **values},
    )
    return HTMLResponse(text, status, HEADERS)


def _address(request: Request) -> str:
    """Where the page is on this host, with its query."""
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
