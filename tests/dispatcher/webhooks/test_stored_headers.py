"""What is stored of a delivery is enough to parse it again, and authenticates nothing."""

from __future__ import annotations

import re

import msgspec
import pytest

from dispatcher.domain.delivery import Delivery
from dispatcher.webhooks.receiving import parse_delivery
from dispatcher.webhooks.registry import PROVIDERS
from dispatcher.webhooks.stored_headers import ALWAYS, HEADERS, stored_headers
from tests.dispatcher.webhooks.support import SECRET, Sent, names, sent

PRIVATE = re.compile(r"authorization|token|signature|cookie|secret|timestamp|forwarded|ip$", re.I)


def again(delivery: Sent) -> object:
    """What is parsed from what is stored."""
    stored = stored_headers(delivery.provider, delivery.raw_headers)
    return parse_delivery(
        Delivery(id="a", hook="h", provider=delivery.provider, headers=stored, body=delivery.body)
    )


def test_every_provider_has_its_list() -> None:
    assert set(HEADERS) == set(PROVIDERS)


@pytest.mark.parametrize("name", names())
def test_a_delivery_reads_the_same_again(name: str) -> None:
    delivery = sent(name)

    assert again(delivery) == msgspec.structs.replace(delivery.answer(), secret=0)


@pytest.mark.parametrize("other", ["X-Gitea-Event", "X-Forgejo-Event", "X-Gogs-Event"])
def test_one_that_another_host_sent_is_refused_again(other: str) -> None:
    delivery = sent("github/push__branch").but(headers={other: "push"})

    assert again(delivery) == msgspec.structs.replace(delivery.rejected(), secret=None)
    assert delivery.rejected().code == "wrong_provider"


@pytest.mark.parametrize("provider", HEADERS)
def test_nothing_that_authenticates_is_stored(provider: str) -> None:
    assert not [name for name in (*ALWAYS, *HEADERS[provider]) if PRIVATE.search(name)]


@pytest.mark.parametrize("name", names())
def test_a_secret_that_was_sent_is_not_stored(name: str) -> None:
    more = ((b"authorization", b"Bearer abc"), (b"cookie", b"a=b"), (b"x-real-ip", b"10.0.0.1"))
    delivery = sent(name).but(repeated=more)

    stored = str(stored_headers(delivery.provider, delivery.raw_headers))

    assert SECRET.decode() not in stored
    assert not re.search(r"Bearer|a=b|10\.0\.0\.1|sha1=|sha256=|v1,", stored)


def test_repeated_headers_stay_repeated_and_are_refused_again() -> None:
    delivery = sent("github/push__branch").but(repeated=((b"x-github-event", b"ping"),))

    assert again(delivery) == msgspec.structs.replace(delivery.rejected(), secret=None)
    assert delivery.rejected().code == "repeated_header"
