"""What requests to the API name and carry: a target, a deploy's number, an order."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.requests import Request

from dispatcher.config import Target
from dispatcher.http.answers import Refusal
from dispatcher.http.bodies import Bodies
from dispatcher.http.live import Live

LARGEST_BODY = 8 * 1024


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of whatever is ordered; all of it may be left out."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    by: Annotated[str, msgspec.Meta(max_length=100)] = ""


class Requests:
    """Understands requests, by the configuration of the moment."""

    def __init__(self, live: Live, bodies: Bodies) -> None:
        self._live, self._bodies = live, bodies

    def targets(self) -> dict[str, Target]:
        """All that are configured, in their order."""
        return dict(self._live.now.targets)

    def target(self, request: Request) -> Target:
        name = request.path_params["target"]
        if (target := self._live.now.targets.get(name)) is not None:
            return target
        raise Refusal(
            404,
            "unknown_target",
            f"There is no target {line(name)[:60]!r}: GET /api/v1/targets lists those there are",
        )

    def deploy(self, request: Request) -> tuple[str, int]:
        """A target's name and a number that a deploy of it could have."""
        target, number = self.target(request).name, request.path_params["number"]
        if number.isascii() and number.isdigit() and len(number) <= 15:
            return target, int(number)
        raise unknown_deploy(target)

    async def order(self, request: Request) -> Order:
        """On one line each, without control characters."""
        message = f"The body is larger than {LARGEST_BODY} bytes: shorten the reason"
        too_large = Refusal(413, "body_too_large", message)
        async with self._bodies.of(request, LARGEST_BODY, too_large) as body:
            order = _decoded(body) if body.strip() else Order()
        return Order(reason=line(order.reason), by=line(order.by))


def unknown_deploy(target: str) -> Refusal:
    return Refusal(
        404,
        "unknown_deploy",
        f"Target {target} has no such deploy, or not any more: "
        f"GET /api/v1/targets/{target}/deploys lists those that are kept",
    )


def line(text: str) -> str:
    """What a person wrote, on one line and without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _decoded(body: bytes) -> Order:
    try:
        return msgspec.json.decode(body, type=Order)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, "invalid_body", f"The body is not as expected: {error}") from None
