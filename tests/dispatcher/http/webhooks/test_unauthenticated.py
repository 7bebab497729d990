"""Without authentication no hook can be told from another, nor from none: not by work, nor by answers."""

from __future__ import annotations

import ast
import base64
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

import dispatcher.webhooks
from dispatcher.config import PROVIDERS, Hook
from dispatcher.domain.secret import Secret
from dispatcher.http.uniform_cost import USUAL_BODY, UniformCost
from dispatcher.http.webhooks.unauthenticated import Incoming, receive_incoming
from dispatcher.ledger import Keys
from dispatcher.webhooks import verification_cost
from dispatcher.webhooks.results import Ignored, Parsed, Received, Rejected
from tests.dispatcher.http.web import CONFIGURATION, Web, error
from tests.dispatcher.webhooks.support import HEADERS, NOW, SECRET, Sent, hmac_of, sent

SENDER = ip_address("192.0.2.1")
BODY = b'{"ref": "refs/heads/main"}' * 40
SIGNING = b"whsec_" + base64.b64encode(b"k" * 24)


def hook(provider: str = "github", *secrets: bytes, **more: object) -> Hook:
    kept = [Secret(secret) for secret in secrets or (b"ours:and not theirs",)]
    return Hook.model_validate(
        {"name": "h", "provider": provider, "secrets": kept, "repositories": ("**",), **more}
    )


HOOKS = [
    *map(hook, PROVIDERS),
    hook("gitlab", SIGNING),
    hook("gitlab", b"a token of ours", SIGNING),
    hook("github", b"the first", b"the second", b"the third"),
    hook("github", allow=["198.51.100.0/24"]),
]
UNIFORM = UniformCost.of(HOOKS)


def received(
    sender: IPv4Address | IPv6Address | None,
    asked: Hook,
    headers: Iterable[tuple[bytes, bytes]],
    body: bytes,
) -> Parsed:
    incoming = Incoming(
        id="", hook=asked, headers=tuple(headers), body=body, received_at=NOW, sender=sender
    )
    return receive_incoming(incoming, UNIFORM)


def presented() -> Iterator[list[tuple[bytes, bytes]]]:
    """What anybody may come with: nothing, each host's headers in another secret, all, half of them."""
    everything = {
        name.lower(): value
        for headers in HEADERS.values()
        for name, value in headers("push", BODY).items()
    }
    signed = {
        "webhook-id": "1",
        "webhook-timestamp": str(NOW),
        "webhook-signature": "v1," + base64.b64encode(b"x" * 32).decode(),
    }
    sixteen = ["v1," + base64.b64encode(bytes([n]) * 32).decode() for n in range(16)]
    for headers in (
        {},
        *(each("push", BODY) for each in HEADERS.values()),
        signed,
        everything | signed,
        signed | {"webhook-signature": " ".join(sixteen)},
        everything | signed | {"webhook-signature": " ".join([*sixteen, "v2,x", "v1,=", *sixteen])},
        {"authorization": "Basic " + base64.b64encode(b"u:" + b"p" * 1_500).decode()},
        {"authorization": "Basic " + "=" * 2_000},
        {"authorization": "Basic " + "A" * 6_000},
        dict.fromkeys(everything, "sha256=" + "g" * 64),
    ):
        yield [(name.lower().encode(), value.encode()) for name, value in headers.items()]


@pytest.mark.parametrize("asked", HOOKS, ids=lambda h: f"{h.provider}-{len(h.secrets)}")
def test_the_body_is_hashed_as_often_whatever_hook_is_asked_with_whatever(asked: Hook) -> None:
    for headers in presented():
        before = verification_cost.spent()

        answer = received(SENDER, asked, headers, BODY)

        assert isinstance(answer, Rejected)
        assert answer.status == 401
        assert verification_cost.spent().since(before) == UNIFORM.rejecting(headers)
        assert UNIFORM.rejecting(headers).hashed == 3


def test_no_other_module_hashes_a_body() -> None:
    """`authentication` compares, and signs what `notify` sends."""
    folder = Path(dispatcher.webhooks.__file__).parent
    names = {
        path.stem
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import) and any(each.name == "hmac" for each in node.names)
    }

    assert names == {"verification_cost", "authentication"}


def test_as_much_is_read_as_the_largest_hook_takes() -> None:
    assert UniformCost.of([]) == UniformCost(USUAL_BODY, 1)
    assert UniformCost.of([hook(max_body=4096)]).body == USUAL_BODY
    assert UniformCost.of([hook(), hook(max_body=2 * USUAL_BODY)]).body == 2 * USUAL_BODY


def test_what_is_authenticated_is_not_hashed_once_more() -> None:
    delivery = sent("github/push__branch")
    before = verification_cost.spent()

    answer = received(SENDER, hook("github", SECRET), delivery.raw_headers, delivery.body)

    assert isinstance(answer, Received)
    assert verification_cost.spent().since(before).hashed == 1


@pytest.mark.parametrize("sender", ["198.51.100.7", "2001:db8::7"])
def test_who_is_allowed_is_heard(sender: str) -> None:
    asked = hook("github", SECRET, allow=["198.51.100.0/24", "2001:db8::/32"])
    delivery = sent("github/ping__webhook")

    answer = received(ip_address(sender), asked, delivery.raw_headers, delivery.body)

    assert isinstance(answer, Ignored)


@pytest.mark.parametrize("sender", ["198.51.101.7", "2001:db9::7", None])
def test_who_is_not_allowed_is_unauthenticated_whatever_he_knows(sender: str | None) -> None:
    asked = hook("github", SECRET, allow=["198.51.100.0/24", "2001:db8::/32"])
    delivery = sent("github/push__branch")
    known = ip_address(sender) if sender else None

    answer = received(known, asked, delivery.raw_headers, delivery.body)

    assert isinstance(answer, Rejected)
    assert (answer.status, answer.code, answer.cause) == (
        401,
        "unauthorized",
        "address_not_allowed",
    )


# The same over HTTP: `plain` takes 4 KiB, `inner` listens to nobody here, `nobodys` is not there.

CLOSED = CONFIGURATION.replace(
    "targets:\n",
    """  inner:
    provider: generic
    secrets: [{env: HOOK_SECRET}]
    repositories: ["**"]
    allow: ["198.51.100.0/24"]
targets:
""",
    1,
)
ALL_HOOKS = ("github", "gitlab", "plain", "inner", "nobodys")


@pytest.fixture
def closed(tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
    web = Web(tmp_path, redis_url, keys)
    web.config.write_text(CLOSED)
    web.environ |= {
        "DISPATCHER_FAILURES_PER_ADDRESS": "0",
        "DISPATCHER_FAILURES_PER_HOOK": "0",
        "DISPATCHER_TRUSTED_PROXIES": "127.0.0.1",
    }
    with web:
        yield web
    web.clean_up()


def told(response: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    return response.status_code, response.content, {**response.headers, "date": ""}


@pytest.mark.parametrize("size", [10, 4096, 4097, 100_000])
@pytest.mark.parametrize("said", [True, False], ids=["length", "chunks"])
def test_all_hooks_answer_unauthenticated_requests_alike(
    closed: Web, size: int, said: bool
) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x" * size

    answers = [
        told(
            closed.http.post(
                f"/webhooks/{name}",
                content=b"x" * size if said else chunks(),
                headers={"X-Signature-256": hmac_of(b"else"), "X-Hub-Signature-256": "sha256=0"},
            )
        )
        for name in ALL_HOOKS
    ]

    assert answers[0][0] == 401
    assert answers == [answers[0]] * len(ALL_HOOKS)


def test_what_is_larger_than_any_hook_takes_is_read_for_none(closed: Web) -> None:
    def chunks() -> Iterator[bytes]:
        yield from [b"x" * 2**20] * 25
        yield b"x"

    answers = [told(closed.http.post(f"/webhooks/{name}", content=chunks())) for name in ALL_HOOKS]

    assert answers[0][0] == 413
    assert answers == [answers[0]] * len(ALL_HOOKS)


def test_a_hook_tells_those_whom_it_knows_what_it_takes(closed: Web) -> None:
    large = Sent("generic", "push", b'{"refs": [], "padding": "' + b"x" * 5000 + b'"}')

    response = closed.deliver(large, "plain")

    assert error(response) == (413, "body_too_large")
    assert "4096 bytes" in response.json()["detail"]


def test_a_hook_that_listens_to_some_listens_to_those(closed: Web) -> None:
    delivery = sent("generic/push__branch")
    from_there = delivery.but(headers={"X-Forwarded-For": "198.51.100.7"})
    from_elsewhere = delivery.but(headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9"})

    with capture_logs() as logs:
        assert closed.deliver(from_there, "inner").status_code == 202
        assert error(closed.deliver(from_elsewhere, "inner")) == (401, "unauthorized")

    (refused,) = (each for each in logs if each["event"] == "delivery rejected")
    assert (refused["cause"], refused["address"]) == ("address_not_allowed", "203.0.113.9")
