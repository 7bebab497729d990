"""Signs people in and out, and holds every page and every form to what its visitor may do."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, quote, urlsplit

import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from structlog.contextvars import bind_contextvars

from dispatcher.dashboard.rendering import HEADERS, page
from dispatcher.dashboard.visitors import Visitor, Visitors
from dispatcher.domain.access import Role
from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.http.authentication import ApiTokens
from dispatcher.http.client_address import address, group
from dispatcher.http.connection.bodies import Bodies
from dispatcher.http.permissions import permitted
from dispatcher.http.responses import ErrorResponse
from dispatcher.ledger import SignInFailures, digest

LARGEST_FORM = 16 * 1024
FORM_COOKIE = "git-dispatcher-form"
FORM_SECONDS = 3600
AWAY = "Redis is not available: nothing can be shown or changed. This page comes back by itself."

Handler = Callable[[Request], Awaitable[Response]]
Form = dict[str, str]

log = structlog.get_logger()


class Guard:
    """Wraps the handlers of pages and of forms. An error is a page too."""

    def __init__(self, visitors: Visitors, bodies: Bodies) -> None:
        self._visitors, self._bodies = visitors, bodies

    def page(
        self, handler: Handler, role: Role = Role.READ, *, everything: bool = False
    ) -> Handler:
        return self._guarded(permitted(handler, role, everything=everything))

    def form(
        self, handler: Handler, role: Role = Role.OPERATE, *, everything: bool = False
    ) -> Handler:
        """Its fields are in `request.state.form`."""

        async def checked(request: Request) -> Response:
            form = await read_form(self._bodies, request)
            visitor: Visitor = request.state.visitor
            sent = form.pop("csrf", "")
            if not (is_own(request) and secrets.compare_digest(sent, visitor.session.csrf)):
                raise ErrorResponse(
                    403, "forbidden", "This form is out of date: load the page again, and repeat it"
                )
            request.state.form = form
            return await handler(request)

        return self._guarded(permitted(checked, role, everything=everything))

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            try:
                visitor = await self._visitors.of(request)
                if visitor is None:
                    return _to_sign_in(request)
                self._know(request, visitor)
                response = await handler(request)
            except ErrorResponse as error:
                return error_page(request, error)
            except LedgerUnavailable:
                return error_page(request, ErrorResponse(503, "ledger_unavailable", AWAY))
            if visitor.starts:
                secure = self._visitors.is_secure(request)
                self._visitors.cookies.set(response, visitor.code, secure=secure)
            return response

        return guarded

    def _know(self, request: Request, visitor: Visitor) -> None:
        sender = self._visitors.sender(request)
        bind_contextvars(address=sender, token=visitor.caller.name)
        state = request.scope.setdefault("state", {})
        state.update(caller=visitor.caller, address=sender, visitor=visitor)


def error_page(request: Request, error: ErrorResponse) -> Response:
    response = page(request, "error.html", status=error.status, error=error)
    response.headers.update(error.headers)
    return response


def is_own(request: Request) -> bool:
    """Whether a page of this very site sent the form.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
    """
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host", ""):
        return False
    return request.headers.get("sec-fetch-site", "same-origin") == "same-origin"


async def read_form(bodies: Bodies, request: Request) -> Form:
    """The fields, each once. Raises ErrorResponse."""
    too_large = ErrorResponse(413, "body_too_large", "The form is too large: shorten the reason")
    async with bodies.of(request, LARGEST_FORM, too_large) as body:
        try:
            found = parse_qs(
                body.decode(), keep_blank_values=True, strict_parsing=False, max_num_fields=50
            )
        except ValueError:
            raise ErrorResponse(400, "invalid_body", "The form cannot be read") from None
    return {name: values[-1] for name, values in found.items()}


def _to_sign_in(request: Request) -> Response:
    """Where a link on another site led here, the browser sent no cookie: the page loads itself again, and
    then the browser does."""
    if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
        return page(request, "again.html")
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = "/sign-in" + (
        f"?next={quote(path)}" if request.method == "GET" and path != "/" else ""
    )
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={**HEADERS, "HX-Redirect": target})
    return RedirectResponse(target, 303, HEADERS)


class SignIn:
    """The endpoints of signing in and out."""

    def __init__(
        self, visitors: Visitors, tokens: ApiTokens, bodies: Bodies, failures: SignInFailures
    ) -> None:
        self._visitors, self._tokens, self._bodies = visitors, tokens, bodies
        self._failures = failures

    async def show(self, request: Request) -> Response:
        """The form; or, by a one-time link, the overview."""
        try:
            if code := request.query_params.get("link", ""):
                return await self._by_link(request, code)
            if await self._visitors.of(request):
                return RedirectResponse(_local(request.query_params.get("next", "")), 303, HEADERS)
        except LedgerUnavailable:
            return error_page(request, ErrorResponse(503, "ledger_unavailable", AWAY))
        return self._form(request, _local(request.query_params.get("next", "")))

    async def sign_in(self, request: Request) -> Response:
        try:
            form = await read_form(self._bodies, request)
            following = _local(form.get("next", ""))
            sent, cookie = form.get("csrf", ""), request.cookies.get(FORM_COOKIE, "")
            if not (cookie and is_own(request) and secrets.compare_digest(sent, cookie)):
                return self._form(
                    request, following, "The form was out of date: send it again.", 403
                )
            return await self._by_token(request, form.get("token", "").strip(), following)
        except ErrorResponse as error:
            return error_page(request, error)
        except LedgerUnavailable:
            return error_page(request, ErrorResponse(503, "ledger_unavailable", AWAY))

    async def sign_out(self, request: Request) -> Response:
        visitor: Visitor = request.state.visitor
        await to_thread.run_sync(self._visitors.sessions.end, visitor.code)
        log.info("signed out")
        response = RedirectResponse("/sign-in", 303, HEADERS)
        self._visitors.cookies.clear(response, secure=self._visitors.is_secure(request))
        return response

    async def _by_token(self, request: Request, token: str, following: str) -> Response:
        sender = self._visitors.sender(request)
        origin = group(found) if (found := address(sender)) else "unknown"
        if wait := await to_thread.run_sync(self._failures.wait, origin):
            seconds = str(-(-wait // 1000))
            message = f"Too many failed attempts: try again in {seconds} s."
            response = self._form(request, following, message, 429)
            response.headers["Retry-After"] = seconds
            return response
        of = digest(token)
        caller = await self._tokens.holder(of) if token and token.isascii() else None
        if caller is None:
            await to_thread.run_sync(self._failures.count, origin)
            log.warning("sign-in refused", address=sender)
            message = "That is no valid API token, or it has expired or was revoked."
            return self._form(request, following, message, 401)
        return await self._begin(request, of, following)

    async def _by_link(self, request: Request, code: str) -> Response:
        of = await to_thread.run_sync(self._visitors.sessions.use_link, code)
        if not of or await self._tokens.holder(of) is None:
            return self._form(request, "/", "That link was used before, or it has expired.", 401)
        return await self._begin(request, of, "/")

    async def _begin(self, request: Request, of: str, following: str) -> Response:
        code, _ = await to_thread.run_sync(lambda: self._visitors.sessions.start(token=of))
        log.info("signed in", address=self._visitors.sender(request))
        response = RedirectResponse(following, 303, HEADERS)
        secure = self._visitors.is_secure(request)
        self._visitors.cookies.set(response, code, secure=secure)
        return response

    def _form(
        self, request: Request, following: str, mistake: str = "", status: int = 200
    ) -> Response:
        code = request.cookies.get(FORM_COOKIE, "") or secrets.token_urlsafe(32)
        response = page(
            request,
            "sign_in.html",
            status=status,
            mistake=mistake,
            following=following,
            form_code=code,
            is_open=bool(self._tokens),
        )
        secure = self._visitors.is_secure(request)
        response.set_cookie(
            FORM_COOKIE,
            code,
            FORM_SECONDS,
            path="/",
            secure=secure,
            httponly=True,
            samesite="strict",
        )
        return response


def _local(path: str) -> str:
    """The path, if it is one of this site; else that of the overview."""
    is_path = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_path and "\\" not in path else "/"
