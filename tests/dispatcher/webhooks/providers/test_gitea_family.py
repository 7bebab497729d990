"""Gitea, Forgejo and Gogs: what their deliveries mean, and how they are told apart."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from dispatcher.domain.push import Push
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.receiving import receive
from dispatcher.webhooks.results import Received, Rejected
from tests.dispatcher.webhooks.support import (
    MIDDLE,
    NEW,
    OLD,
    SECRET,
    TAG,
    UUID,
    ZERO,
    hmac_of,
    sent,
)

HOSTS = {"gitea": "Gitea", "forgejo": "Forgejo", "gogs": "Gogs"}
FORM = "application/x-www-form-urlencoded"
each_host = pytest.mark.parametrize("provider", HOSTS)


@pytest.mark.parametrize("provider", ["gitea", "forgejo"])
def test_a_push_to_a_branch(provider: str) -> None:
    received = sent(f"{provider}/push__branch").received()

    assert received == Received(
        event="push",
        delivery_id=UUID,
        pushes=(
            Push(
                repository="git.example.com/acme/shop",
                ref="refs/heads/main",
                before=OLD,
                after=NEW,
                title="Fix the checkout",
                message="Fix the checkout\n\nThe total was rounded twice.",
                pusher="ann",
                paths=(
                    "services/checkout/total.py",
                    "README.md",
                    "services/checkout/old.py",
                    "services/basket/app.py",
                ),
            ),
        ),
    )


def test_gogs_doesnt_say_how_many_commits_there_are_so_paths_are_unknown() -> None:
    push = sent("gogs/push__branch").push()

    assert push.title == "Fix the checkout"
    assert push.paths is None


@pytest.mark.parametrize("provider", ["gitea", "forgejo"])
@pytest.mark.parametrize("case", ["many_commits", "new_branch", "no_commits", "tag"])
def test_paths_are_unknown_where_the_commits_do_not_tell_all(provider: str, case: str) -> None:
    assert sent(f"{provider}/push__{case}").push().paths is None


@each_host
def test_the_test_button_deploys_nothing(provider: str) -> None:
    assert "test delivery" in sent(f"{provider}/push__test_delivery").ignored().reason


@each_host
def test_a_deletion_is_told_by_an_event_of_its_own(provider: str) -> None:
    branch = sent(f"{provider}/delete__branch").push()
    tag = sent(f"{provider}/delete__tag").push()

    assert (branch.ref, branch.before, branch.after) == ("refs/heads/feature/basket", "", ZERO)
    assert (tag.ref, tag.deleted) == ("refs/tags/v1.0", True)


def test_a_deletion_in_a_sha256_repository_has_as_many_zeros() -> None:
    assert sent("gitea/delete__sha256").push().after == "0" * 64


def test_gogs_tells_of_tags_by_create_alone() -> None:
    assert sent("gogs/create__tag").push().after == NEW
    assert sent("gogs/create__annotated_tag").push().after == TAG
    assert sent("gogs/create__tag").push().before == ""  # it may have been moved
    assert "push event" in sent("gogs/create__branch").ignored().reason


@each_host
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ref_type": "note"}, "ref_type"),
        ({"ref": "a b"}, "ref"),
        ({"ref": 7}, "ref"),
        ({"repository": {}}, "repository.clone_url"),
    ],
)
def test_a_deletion_that_cant_be_is_refused(
    provider: str, changes: dict[str, object], field: str
) -> None:
    rejected = sent(f"{provider}/delete__branch").with_fields(**changes).rejected()

    assert rejected.status == 400
    assert field in rejected.message


@each_host
def test_a_form_has_no_signature_that_fits_and_the_log_can_say_so(provider: str) -> None:
    branch = sent(f"{provider}/push__branch")
    of_the_json = {f"X-{HOSTS[provider]}-Signature": hmac_of(branch.body)[7:]}
    form = branch.but(body=urlencode({"payload": branch.body}).encode(), content_type=FORM)

    rejected = form.but(headers=of_the_json).rejected()

    assert (rejected.status, rejected.cause) == (401, "signature_of_form")
    assert "application/json" in rejected.message


@each_host
def test_a_form_that_is_signed_as_a_whole_is_refused_with_a_remedy(provider: str) -> None:
    rejected = sent(f"{provider}/push__branch").but(content_type=FORM).rejected()

    assert (rejected.status, rejected.code) == (415, "unsupported_media_type")
    assert "webhook's content type" in rejected.message


@each_host
@pytest.mark.parametrize("value", ["", "0" * 63, "sha256=" + "0" * 64, "é" * 64, "g" * 64])
def test_invalid_signatures(provider: str, value: str) -> None:
    """An empty one is what Gitea and Forgejo send when the webhook has no secret."""
    header = {f"X-{HOSTS[provider]}-Signature": value}

    rejected = sent(f"{provider}/push__branch").but(headers=header).rejected()

    assert (rejected.status, rejected.cause) == (401, "signature_malformed")


@pytest.mark.parametrize(
    ("sender", "hook", "cause"),
    [
        ("forgejo", "gitea", "wrong_provider"),
        ("forgejo", "gogs", "wrong_provider"),
        ("forgejo", "github", "wrong_provider"),
        ("gitea", "gogs", "wrong_provider"),
        ("gitea", "github", "wrong_provider"),
        ("gitea", "forgejo", "signature_missing"),
        ("gogs", "gitea", "signature_missing"),
        ("gogs", "github", "signature_missing"),
    ],
)
def test_each_is_taken_for_what_it_is(sender: str, hook: str, cause: str) -> None:
    """They send the headers of those they come from, and what those lack authenticates nothing."""
    delivery = sent(f"{sender}/push__branch")

    answer = receive(hook, delivery.raw_headers, delivery.body, Trust([SECRET]))

    assert isinstance(answer, Rejected)
    assert answer.cause == cause
    if cause == "wrong_provider":
        assert f"provider is {sender}" in answer.message


def test_a_missing_event_header_is_named() -> None:
    rejected = sent("gitea/push__branch").but(headers={"X-Gitea-Event": None}).rejected()

    assert rejected.code == "missing_header"
    assert "X-Gitea-Event" in rejected.message


def test_the_head_is_found_among_the_commits_of_an_older_version() -> None:
    branch = sent("gitea/push__branch")
    listed = json.loads(branch.body)["commits"]

    push = branch.with_fields(head_commit=None, commits=listed[::-1]).push()

    assert push.title == "Fix the checkout"
    assert branch.with_fields(head_commit={"id": MIDDLE}).push().commit == MIDDLE
