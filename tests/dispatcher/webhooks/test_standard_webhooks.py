"""Signatures of Standard Webhooks: GitLab's signing tokens, and senders of the generic document."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest

from dispatcher.webhooks import standard_webhooks
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.receiving import receive
from dispatcher.webhooks.results import Ignored, Rejected
from tests.dispatcher.webhooks.support import NOW, SECRET, Sent, sent, standard

KEY = b"32 bytes are the key of a GitLab"
TOKEN = b"whsec_" + base64.b64encode(KEY)
OTHER = b"whsec_" + base64.b64encode(b"another key of thirty-two bytes.")
UNSIGNED: dict[str, str | None] = {"X-Gitlab-Token": None, "X-Signature-256": None}

PUSHES = ["gitlab/push_hook__branch", "generic/push__branch"]
each_sender = pytest.mark.parametrize("name", PUSHES)


def signed(name: str, more: Mapping[str, str | None] | None = None, moment: int = NOW) -> Sent:
    """Without any other signature; `more` replaces headers."""
    delivery = sent(name)
    headers = {**UNSIGNED, **standard(delivery.body, KEY, moment), **(more or {})}
    return delivery.but(headers=headers, secrets=(TOKEN,))


def test_the_example_of_the_schemes_own_libraries() -> None:
    # https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/go/webhook_test.go
    headers = [
        (b"webhook-id", b"msg_p5jXN8AQM9LWM0D4loKWxJek"),
        (b"webhook-timestamp", b"1614265330"),
        (b"webhook-signature", b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        (b"x-gitlab-event", b"Note Hook"),
    ]
    secrets = [b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]

    for moment in (1614265330, 1614265330 + 300, 1614265330 - 300):
        answer = receive("gitlab", headers, b'{"test": 2432232314}', Trust(secrets, moment))
        assert isinstance(answer, Ignored)
    for moment in (1614265330 + 301, 1614265330 - 301, 0):
        answer = receive("gitlab", headers, b'{"test": 2432232314}', Trust(secrets, moment))
        assert isinstance(answer, Rejected)
        assert answer.cause == "signature_stale"


def test_what_the_project_sends_is_signed_in_the_same_way() -> None:
    key, identity = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"

    made = standard_webhooks.sign([key, OTHER], identity, 1614265330, b'{"test": 2432232314}')

    first, second = made["webhook-signature"].split()
    assert first == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert second.startswith("v1,")
    assert (made["webhook-id"], made["webhook-timestamp"]) == (identity, "1614265330")


@each_sender
def test_a_signed_push_is_taken(name: str) -> None:
    received = signed(name).received()

    assert received.pushes == sent(name).received().pushes


@each_sender
@pytest.mark.parametrize("other", [None, "another", "é", "x" * 257])
def test_the_signed_id_names_the_delivery_whatever_else_is_sent(
    name: str, other: str | None
) -> None:
    delivery = signed(name, {"Idempotency-Key": other, "X-Delivery-Id": other})

    assert delivery.received().delivery_id == "msg-1"


@each_sender
def test_an_id_of_the_scheme_that_nothing_signs_names_nothing(name: str) -> None:
    own = sent(name)

    assert own.but(headers={"webhook-id": "msg-1"}).received().delivery_id == (
        own.received().delivery_id
    )
    nameless = {"webhook-id": "msg-1", "Idempotency-Key": None, "X-Delivery-Id": None}
    assert own.but(headers=nameless).received().delivery_id == ""


@each_sender
def test_one_of_several_signatures_is_enough(name: str) -> None:
    right = standard(sent(name).body, KEY)["webhook-signature"]
    wrong = "v1," + base64.b64encode(bytes(32)).decode()

    for signatures in (f"{wrong} {right}", f"v1a,x {right}", f"{right} {wrong}", f"v1,? {right}"):
        assert signed(name, {"webhook-signature": signatures}).received()


@each_sender
def test_which_of_several_secrets_it_was_is_said(name: str) -> None:
    assert signed(name).but(secrets=(SECRET, OTHER, TOKEN)).received().secret == 2


@each_sender
@pytest.mark.parametrize(
    ("header", "value", "cause"),
    [
        ("webhook-id", None, "signature_missing"),
        ("webhook-id", "", "signature_malformed"),
        ("webhook-id", "msg.1", "signature_malformed"),
        ("webhook-id", "é", "signature_malformed"),
        ("webhook-id", "m" * 257, "signature_malformed"),
        ("webhook-id", "msg-2", "signature_mismatch"),
        ("webhook-timestamp", None, "signature_missing"),
        ("webhook-timestamp", "soon", "signature_malformed"),
        ("webhook-timestamp", "-1", "signature_malformed"),
        ("webhook-timestamp", "1" * 5000, "signature_malformed"),
        ("webhook-timestamp", str(NOW + 1), "signature_mismatch"),
        ("webhook-signature", "", "signature_malformed"),
        ("webhook-signature", "v1,", "signature_malformed"),
        ("webhook-signature", "v1,AAAA", "signature_malformed"),
        ("webhook-signature", "v2," + "A" * 43 + "=", "signature_malformed"),
        ("webhook-signature", "v1," + "A" * 43 + "=", "signature_mismatch"),
        ("webhook-signature", "v1,é", "signature_malformed"),
    ],
)
def test_what_proves_nothing(name: str, header: str, value: str | None, cause: str) -> None:
    rejected = signed(name, {header: value}).rejected()

    assert (rejected.status, rejected.cause) == (401, cause)


@each_sender
@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_repeated_header_is_rejected(name: str, header: str) -> None:
    value = standard(sent(name).body, KEY)[header].encode()

    rejected = signed(name).but(repeated=((header.encode(), value),)).rejected()

    assert (rejected.status, rejected.cause) == (401, "signature_repeated")


@each_sender
def test_a_signature_behind_too_many_others_is_not_looked_for(name: str) -> None:
    right = standard(sent(name).body, KEY)["webhook-signature"]
    wrong = "v1," + base64.b64encode(bytes(32)).decode()

    assert signed(name, {"webhook-signature": " ".join([wrong] * 15 + [right])}).received()
    assert signed(name, {"webhook-signature": " ".join([wrong] * 16 + [right])}).rejected()


@each_sender
def test_an_old_delivery_is_not_taken_again(name: str) -> None:
    assert signed(name, moment=NOW - 300).received()
    assert signed(name, moment=NOW - 301).rejected().cause == "signature_stale"
    assert signed(name, moment=NOW + 301).rejected().cause == "signature_stale"


def test_who_changes_from_a_token_to_a_signing_token_loses_nothing() -> None:
    both = signed("gitlab/push_hook__branch", {"X-Gitlab-Token": SECRET.decode()})

    assert both.but(secrets=(SECRET,)).received().secret == 0  # GitLab signs, we don't know yet
    assert both.but(secrets=(SECRET, TOKEN)).received().secret == 1
    token_only = sent("gitlab/push_hook__branch")
    assert token_only.but(secrets=(SECRET, TOKEN)).received().secret == 0
    # A signature that can be verified has to be right, whatever else is sent.
    assert both.but(secrets=(SECRET, OTHER)).rejected().cause == "signature_mismatch"


def test_a_secret_that_is_no_key_signs_nothing() -> None:
    for secret in (b"whsec_", b"whsec_?", b"whsec_A"):
        empty = standard(sent("generic/push__branch").body, b"")
        delivery = sent("generic/push__branch").but(headers={**UNSIGNED, **empty})
        assert delivery.but(secrets=(secret,)).rejected().cause == "signature_mismatch"
