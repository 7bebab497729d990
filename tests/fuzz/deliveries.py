"""Deliveries to each provider: authenticated, so that they are parsed, and as anybody may send them."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from msgspec.structs import replace

from dispatcher.domain.delivery import Delivery
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.receiving import authenticated_headers, parse_delivery, receive
from dispatcher.webhooks.registry import PROVIDERS
from dispatcher.webhooks.results import Parsed, Rejected
from dispatcher.webhooks.stored_headers import stored_headers
from tests.dispatcher.webhooks.support import HEADERS, NOW, SECRET, Sent, names, sent, standard
from tests.dispatcher.webhooks.test_receive import SIGNATURE_HEADER, check
from tests.fuzz.target import Attempt, Target, pure
from tests.fuzz.wire import Header, parse, render

KEY = b"32 bytes are the key of a sender"
TOKEN = b"whsec_" + base64.b64encode(KEY)
UNKNOWN = b"whsec_" + base64.b64encode(b"of nobody")


def seeds(provider: str) -> Iterator[bytes]:
    for name in names():
        if name.startswith(f"{provider}/"):
            yield rendered(sent(name))


def rendered(delivery: Sent) -> bytes:
    return render(f"POST /webhooks/{delivery.provider}", delivery.raw_headers, delivery.body)


def signature(provider: str, body: bytes) -> dict[str, str]:
    name = SIGNATURE_HEADER[provider]
    return {name: HEADERS[provider]("push", body)[name]}


def authenticated(provider: str) -> Attempt:
    """What a host sends that knows the secret: an answer that says something, and the same once more."""
    trust = Trust((SECRET,), NOW)

    def attempt(data: bytes) -> None:
        request = parse(data)
        headers = request.but(signature(provider, request.body))
        answer = receive(provider, headers, request.body, trust)
        check(answer)
        if not isinstance(answer, Rejected) or answer.status != 401:
            stored = tuple(authenticated_headers(provider, headers, trust))
            check_stored(provider, stored, request.body, answer)

    return attempt


def check_stored(provider: str, headers: tuple[Header, ...], body: bytes, answer: Parsed) -> None:
    """What is stored of it is parsed the same; which secret authenticated it is not known then."""
    stored = stored_headers(provider, headers)
    again = parse_delivery(Delivery(id="a", hook="h", provider=provider, headers=stored, body=body))
    unknown = None if isinstance(answer, Rejected) else 0
    assert again == replace(answer, secret=unknown)


def signed_by_standard(data: bytes) -> None:
    """What is signed as Standard Webhooks has it; the id and the time are the sender's."""
    request = parse(data)
    own = dict(request.headers)
    moment = own.get(b"webhook-timestamp", b"").decode("latin-1")
    name = own.get(b"webhook-id", b"").decode("latin-1")
    known = int(moment) if moment.isascii() and moment.isdigit() and len(moment) < 20 else NOW
    headers = request.but(standard(request.body, KEY, known, name))
    check(receive("generic", headers, request.body, Trust((SECRET, TOKEN), NOW)))


def unauthenticated(data: bytes) -> None:
    """Whatever it is, it is no push."""
    request = parse(data)
    headers = [*request.headers, (b"host", b"x")]
    for provider in PROVIDERS:
        answer = receive(provider, headers, request.body, Trust((b"unknown", UNKNOWN), NOW))
        assert isinstance(answer, Rejected)
        assert answer.status == 401


def all_seeds() -> Iterator[bytes]:
    for provider in PROVIDERS:
        yield from list(seeds(provider))[:3]
    body = sent("generic/push__branch").body
    headers = [(n.encode(), v.encode()) for n, v in standard(body, KEY).items()]
    yield render("POST /webhooks/generic", headers, body)


TARGETS: dict[str, Target] = {
    **{name: pure(authenticated(name), lambda name=name: seeds(name)) for name in PROVIDERS},  # type: ignore[misc]
    "standard": pure(signed_by_standard, lambda: [*seeds("generic"), *all_seeds()]),
    "unauthenticated": pure(unauthenticated, all_seeds),
}
