"""Finds who looks at the dashboard: by the session of its cookie, or by the user whom a trusted proxy names."""

from __future__ import annotations

from dataclasses import dataclass

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response

from dispatcher.config import UserRoles
from dispatcher.domain.access import Caller, Role, Session
from dispatcher.http.authentication import ApiTokens
from dispatcher.http.client_address import Proxies, address, within
from dispatcher.ledger import Sessions
from dispatcher.matching.globs import Rules

LONGEST_USER = 100


@dataclass(frozen=True)
class Visitor:
    """Who looks, and the session that its forms belong to."""

    caller: Caller
    session: Session
    code: str
    """What the cookie holds."""
    starts: bool = False
    """The session has just begun: the response has to set the cookie."""

    @property
    def name(self) -> str:
        """A token without a name has a number only."""
        name = self.caller.name
        return f"token {name}" if name[:1].isdigit() and not self.session.user else name


@dataclass(frozen=True)
class Cookies:
    """The cookie of one installation: several may share a host, on different ports."""

    instance: str
    seconds: int

    def name(self, *, secure: bool) -> str:
        """https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes"""
        return f"{'__Host-' if secure else ''}git-dispatcher-{self.instance}"

    def set(self, response: Response, code: str, *, secure: bool) -> None:
        name = self.name(secure=secure)
        response.set_cookie(
            name, code, self.seconds, path="/", secure=secure, httponly=True, samesite="strict"
        )

    def clear(self, response: Response, *, secure: bool) -> None:
        name = self.name(secure=secure)
        response.delete_cookie(name, "/", secure=secure, httponly=True, samesite="strict")


class Visitors:
    """Raises LedgerUnavailable."""

    def __init__(
        self,
        sessions: Sessions,
        tokens: ApiTokens,
        proxies: Proxies,
        cookies: Cookies,
        user_header: str = "",
        user_roles: UserRoles = (),
    ) -> None:
        self.sessions, self.tokens, self.cookies = sessions, tokens, cookies
        self._proxies, self._header = proxies, user_header
        self._roles = [(Rules((glob,), default=False), role) for glob, role in user_roles]

    async def of(self, request: HTTPConnection) -> Visitor | None:
        """Who sent the request; None for somebody who is not signed in."""
        user = self.user(request)
        code = request.cookies.get(self.cookies.name(secure=self.is_secure(request)), "")
        session = await to_thread.run_sync(self.sessions.find, code) if code else None
        if user is not None:
            return await self._of_user(user, session, code)
        caller = await self.tokens.holder(session.token) if session and session.token else None
        return Visitor(caller, session, code) if caller and session else None

    async def _of_user(self, user: Caller, session: Session | None, code: str) -> Visitor:
        if session and session.user == user.name:
            return Visitor(user, session, code)
        code, begun = await to_thread.run_sync(lambda: self.sessions.start(user=user.name))
        return Visitor(user, begun, code, starts=True)

    async def caller(self, request: HTTPConnection) -> Caller | None:
        """The same for a request that only reads, as the links to the API do."""
        visitor = await self.of(request)
        return visitor.caller if visitor else None

    def user(self, request: HTTPConnection) -> Caller | None:
        """The user whom a trusted proxy names, with the highest role that the setting gives."""
        if not self._header or not self._is_proxy(request):
            return None
        named = request.headers.getlist(self._header)
        if len(named) != 1 or not 0 < len(named[0]) <= LONGEST_USER or not named[0].isprintable():
            return None
        roles = [role for rules, role in self._roles if rules.wants(named[0])]
        if not roles:
            return None
        return Caller(name=named[0], role=max(roles, key=list(Role).index))

    def is_secure(self, request: HTTPConnection) -> bool:
        """Whether the browser speaks https, with this process or with a trusted proxy."""
        if request.url.scheme == "https":
            return True
        return self._is_proxy(request) and _proxied_over_tls(request.headers)

    def sender(self, request: HTTPConnection) -> str:
        return str(self._proxies.sender(_peer(request), request.headers.raw))

    def _is_proxy(self, request: HTTPConnection) -> bool:
        peer = address(_peer(request))
        return peer is not None and within(peer, self._proxies.networks)


def _peer(request: HTTPConnection) -> str:
    return request.client.host if request.client else ""


def _proxied_over_tls(headers: Headers) -> bool:
    forwarded = headers.get("forwarded", "").lower().replace('"', "")
    return headers.get("x-forwarded-proto", "").lower() == "https" or "proto=https" in forwarded
