"""Holds each API request to what its caller may do, and to the targets that it may see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.domain.access import Caller, Role
from dispatcher.http.responses import ErrorResponse
from dispatcher.matching.globs import Rules

Handler = Callable[[Request], Awaitable[Response]]


def permitted(handler: Handler, role: Role, *, everything: bool) -> Handler:
    """The handler for callers who have the role; with `everything`, for those who may see all targets."""

    async def check(request: Request) -> Response:
        caller = caller_of(request)
        if not caller.role.includes(role):
            raise ErrorResponse(
                403,
                "forbidden",
                f"Token {caller.name} has the role {caller.role}, and this needs {role}: use another "
                f"token, or create one by `git-dispatcher token create NAME --role {role}`",
            )
        if everything and caller.targets:
            raise ErrorResponse(
                403,
                "forbidden",
                f"Token {caller.name} is limited to {', '.join(caller.targets)}, and this concerns all "
                "targets: use a token without `--target`",
            )
        return await handler(request)

    return check


def caller_of(request: Request) -> Caller:
    """Who sent the request, as TokenAuthentication found."""
    caller: Caller = request.state.caller
    return caller


def may_see(caller: Caller, target: str) -> bool:
    """Whether the caller's token covers the target."""
    return not caller.targets or _rules(caller.targets).wants(target)


@lru_cache(maxsize=1_000)
def _rules(globs: tuple[str, ...]) -> Rules:
    return Rules(globs, default=False)
