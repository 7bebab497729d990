"""Azure DevOps: what its deliveries mean."""

from __future__ import annotations

import base64
import json

import pytest

from dispatcher.domain.push import Push
from dispatcher.webhooks.results import Received
from tests.dispatcher.webhooks.support import NEW, OLD, SECRET, TAG, ZERO, basic, sent

PUSH = "azure-devops/git_push__"
DELIVERY = "2d01bcf8-83cb-49aa-8d0b-3f2233965060/a36104aa-ef6c-4643-ac08-5c42fd2115d3"


def test_a_push_to_a_branch() -> None:
    received = sent(f"{PUSH}branch").received()

    assert received == Received(
        event="git.push",
        delivery_id=DELIVERY,
        pushes=(
            Push(
                repository="dev.azure.com/acme/web shop/_git/shop",
                ref="refs/heads/main",
                before=OLD,
                after=NEW,
                pushed_at=1763805300_199,
                title="Fix the checkout",
                message="Fix the checkout\n\nThe total was rounded twice.",
                pusher="ann@example.com",
            ),
        ),
    )


def test_every_ref_of_a_push_counts_if_it_is_a_branch_or_tag() -> None:
    received = sent(f"{PUSH}several_refs").received()

    assert [(push.ref, push.before, push.after) for push in received.pushes] == [
        ("refs/heads/main", OLD, NEW),
        ("refs/tags/v1.0", ZERO, NEW),
        ("refs/heads/old", OLD, ZERO),
    ]
    assert sent(f"{PUSH}only_notes").ignored().reason == "no branch or tag was updated"


def test_an_annotated_tag_is_the_tag_itself() -> None:
    assert sent(f"{PUSH}annotated_tag").push().after == TAG


def test_the_old_host_and_a_server_of_ones_own() -> None:
    old, own = sent(f"{PUSH}old_host").push(), sent(f"{PUSH}own_server").push()

    assert old.repository == "dev.azure.com/acme/web shop/_git/web shop"
    assert own.repository == "tfs.example.com/tfs/defaultcollection/web shop/_git/shop"


def test_the_test_button_deploys_nothing() -> None:
    assert sent(f"{PUSH}test_delivery").ignored().reason == "test delivery: the hook works"


def test_the_same_event_for_another_subscription_is_another_delivery() -> None:
    other = sent(f"{PUSH}branch").with_fields(subscriptionId="b")

    assert other.received().delivery_id == DELIVERY.partition("/")[0] + "/b"
    assert sent(f"{PUSH}branch").with_fields(id="").received().delivery_id == ""


@pytest.mark.parametrize("field", ["id", "subscriptionId", "eventType"])
@pytest.mark.parametrize("value", ["é", "a b", "a\x00", "x" * 101])
def test_an_id_that_cant_be_is_refused(field: str, value: str) -> None:
    assert sent(f"{PUSH}branch").with_fields(**{field: value}).rejected().message.startswith(field)


@pytest.mark.parametrize(
    ("resource", "field"),
    [
        (None, "resource"),
        ({"pushId": 1}, "resource: object missing required field `refUpdates`"),
        ({"refUpdates": [], "repository": {}}, "resource.repository.remoteUrl"),
    ],
)
def test_a_subscription_that_leaves_details_out_is_told_what_is_missing(
    resource: object, field: str
) -> None:
    assert field in sent(f"{PUSH}branch").with_fields(resource=resource).rejected().message


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (None, "signature_missing"),
        ("", "signature_malformed"),
        ("Basic", "signature_mismatch"),
        ("Bearer abc", "signature_malformed"),
        ("Basic !", "signature_malformed"),
        ("Basic YT=pi", "signature_malformed"),
        ("Basic é", "signature_malformed"),
        ("Basic " + "A" * 9000, "signature_malformed"),
        (basic(b"a:b"), "signature_mismatch"),
        (basic(SECRET[:-1]), "signature_mismatch"),
        (basic(SECRET + b"\n"), "signature_mismatch"),
    ],
)
def test_credentials_that_prove_nothing(value: str | None, cause: str) -> None:
    rejected = sent(f"{PUSH}branch").but(headers={"Authorization": value}).rejected()

    assert (rejected.status, rejected.cause) == (401, cause)


def test_the_schemes_name_has_any_case_and_a_password_any_character() -> None:
    secret = "hook:pâss:wörd".encode()
    header = "bAsIc " + base64.b64encode(secret).decode()

    assert (
        sent(f"{PUSH}branch").but(headers={"Authorization": header}, secrets=(secret,)).received()
    )


def test_several_refs_have_the_messages_of_their_own_commits() -> None:
    body = json.loads(sent(f"{PUSH}several_refs").body)
    body["resource"]["refUpdates"][1]["newObjectId"] = TAG

    branch, tag, _ = (
        sent(f"{PUSH}several_refs").but(body=json.dumps(body).encode()).received().pushes
    )

    assert (branch.title, tag.title) == ("Fix the checkout", "")
