"""Parses API requests: the target and deploy number in the path, the limit, the order in the body."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, TypeVar

import msgspec
from anyio import to_thread
from msgspec.structs import replace
from starlette.requests import Request

from dispatcher.config import Target
from dispatcher.domain.suggestions import did_you_mean, nearest
from dispatcher.http.connection.bodies import Bodies
from dispatcher.http.live_config import LiveConfig
from dispatcher.http.permissions import caller_of, may_see
from dispatcher.http.responses import ErrorResponse
from dispatcher.ledger import Reader

LARGEST_BODY = 8 * 1024
LONGEST_NAME = 40
"""Longest name of a target that is looked up."""
NOBODY = "somebody"
"""Recorded as the asker when the order names nobody; in the ledger "" means that there was no order."""


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a request that changes something; every field is optional."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    by: Annotated[str, msgspec.Meta(max_length=100)] = ""

    @property
    def asker(self) -> str:
        return self.by or NOBODY


SomeOrder = TypeVar("SomeOrder", bound=Order)


class RequestParser:
    """Parses requests against the active configuration."""

    def __init__(self, live: LiveConfig, bodies: Bodies, reader: Reader) -> None:
        self._live, self._bodies, self._reader = live, bodies, reader

    def targets(self, request: Request) -> dict[str, Target]:
        """All configured targets that the caller may see, in configuration order."""
        caller, targets = caller_of(request), self._live.now.targets
        return {name: target for name, target in targets.items() if may_see(caller, name)}

    async def target(self, request: Request) -> Target:
        """The configured target that the path names."""
        name = self._visible(request)
        if (target := self._live.now.targets.get(name)) is not None:
            return target
        if await self._has_history(name):
            raise _removed_target(name)
        raise self._unknown(request, name)

    async def history(self, request: Request) -> str:
        """The target to read about. A removed target counts while the ledger keeps its history."""
        name = self._visible(request)
        if name in self._live.now.targets or await self._has_history(name):
            return name
        raise self._unknown(request, name)

    def _visible(self, request: Request) -> str:
        """The target's name; to a caller whose token does not cover it, there is no such target."""
        name: str = request.path_params["target"]
        if may_see(caller_of(request), name):
            return name
        raise self._unknown(request, name)

    def _unknown(self, request: Request, name: str) -> ErrorResponse:
        return _unknown_target(name, self.targets(request))

    async def _has_history(self, name: str) -> bool:
        return len(name) <= LONGEST_NAME and await to_thread.run_sync(self._reader.knows, name)

    async def deploy(self, request: Request) -> tuple[str, int]:
        """A configured target's name and a valid deploy number; the deploy need not exist."""
        target = await self.target(request)
        return target.name, deploy_number(request, target.name)

    async def order(self, request: Request, kind: type[SomeOrder]) -> SomeOrder:
        """The order, with `by` and `reason` on one line each and without control characters."""
        message = f"The body is larger than {LARGEST_BODY} bytes: shorten the reason"
        too_large = ErrorResponse(413, "body_too_large", message)
        async with self._bodies.of(request, LARGEST_BODY, too_large) as body:
            order = _decoded(body or b"{}", kind)
        return replace(order, reason=line(order.reason), by=line(order.by))


def deploy_number(request: Request, target: str) -> int:
    """A valid deploy number; the deploy need not exist."""
    number: str = request.path_params["number"]
    if number.isascii() and number.isdigit() and len(number) <= 15:
        return int(number)
    raise ErrorResponse(
        404, "unknown_deploy", f"Target {target}: write the deploy's number like 42"
    )


def page_limit(request: Request, usual: int, most: int) -> int:
    """The `limit` of a request: most entries in the response."""
    text = request.query_params.get("limit", str(usual))
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and 1 <= int(text) <= most:
        return int(text)
    raise ErrorResponse(400, "invalid_limit", f"limit must be a number between 1 and {most}")


def _unknown_target(name: str, known: Iterable[str]) -> ErrorResponse:
    name = line(name)[:60]
    return ErrorResponse(
        404, "unknown_target", f"There is no target {name!r}: {did_you_mean(name, known)}"
    )


def _removed_target(name: str) -> ErrorResponse:
    return ErrorResponse(
        404,
        "unknown_target",
        f"Target {line(name)} was removed from the configuration: its deploys can be read, but not "
        "changed",
    )


def unknown_deploy(target: str, number: int, kept: Iterable[int]) -> ErrorResponse:
    """`kept` are the numbers of the deploys that the ledger still has."""
    there = _kept(target, number, kept)
    message = f"Target {target} has no deploy {number}, or the ledger no longer has it: {there}"
    return ErrorResponse(404, "unknown_deploy", message)


def _kept(target: str, number: int, kept: Iterable[int]) -> str:
    numbers = sorted(kept)
    if not numbers:
        return "the ledger has none of this target"
    if near := nearest(str(number), map(str, numbers)):
        return f"the newest is {target}/{numbers[-1]}; did you mean {target}/{near}?"
    if len(numbers) == 1:
        return f"there is {target}/{numbers[0]}"
    return f"there are {target}/{numbers[0]} to {target}/{numbers[-1]}"


def line(text: str) -> str:
    """Text from a person, on one line and without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _decoded(body: bytes, kind: type[SomeOrder]) -> SomeOrder:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ErrorResponse(400, "invalid_body", f"The body is invalid: {error}") from None
