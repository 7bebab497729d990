"""GitHub: what its deliveries mean."""

from __future__ import annotations

import json
from urllib.parse import quote_plus, urlencode

import pytest

from dispatcher.domain.push import Push
from dispatcher.domain.refs import ZEROS
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.receiving import receive
from dispatcher.webhooks.results import Received
from tests.dispatcher.webhooks.support import MIDDLE, NEW, OLD, TAG, ZERO, hmac_of, sent

FORM = "application/x-www-form-urlencoded"


def test_githubs_own_example_of_a_signature() -> None:
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = [
        (b"X-Hub-Signature-256", f"sha256={digest}".encode()),
        (b"X-GitHub-Event", b"ping"),
    ]

    answer = receive("github", headers, b"Hello, World!", Trust([b"It's a Secret to Everybody"]))

    assert getattr(answer, "reason", "") == "ping: the hook works"


def test_a_push_to_a_branch() -> None:
    received = sent("github/push__branch").received()

    assert received == Received(
        event="push",
        delivery_id="72d3162e-cc78-11e3-81ab-4c9367dc0958",
        pushes=(
            Push(
                repository="github.com/acme/shop",
                ref="refs/heads/main",
                before=OLD,
                after=NEW,
                pushed_at=1763805300_000,
                title="Fix the checkout",
                message="Fix the checkout\n\nThe total was rounded twice.",
                pusher="ann",
                paths=(
                    "services/basket/app.py",
                    "services/checkout/total.py",
                    "README.md",
                    "services/checkout/old.py",
                ),
            ),
        ),
    )


@pytest.mark.parametrize("case", ["new_branch", "forced", "deleted_branch", "tag"])
def test_paths_are_unknown_where_the_commits_do_not_tell_all(case: str) -> None:
    assert sent(f"github/push__{case}").push().paths is None


def test_paths_are_unknown_for_a_list_that_may_be_cut_short() -> None:
    commit = {"id": MIDDLE, "message": "m", "added": ["a"], "modified": [], "removed": []}
    branch = sent("github/push__branch")

    assert branch.with_fields(commits=[commit] * 2047).push().paths == ("a",)
    assert branch.with_fields(commits=[commit] * 2048).push().paths is None


@pytest.mark.parametrize(
    "commit",
    [
        {"id": MIDDLE, "added": [], "modified": [], "removed": []},
        {"id": MIDDLE},
        {"id": MIDDLE, "added": [f"f{n}" for n in range(3000)], "modified": [], "removed": []},
    ],
    ids=["no files", "no lists", "a full list"],
)
def test_paths_are_unknown_where_github_had_no_time_for_a_commits_files(commit: object) -> None:
    known = {"id": NEW, "added": ["a"], "modified": [], "removed": []}
    push = sent("github/push__branch").with_fields(commits=[commit, known]).push()

    assert push.paths is None


def test_a_deleted_branch() -> None:
    push = sent("github/push__deleted_branch").push()

    assert push.deleted
    assert (push.ref, push.before, push.after) == ("refs/heads/feature/basket", OLD, ZERO)


def test_a_deleted_tag() -> None:
    assert sent("github/push__deleted_tag").push().deleted


def test_a_new_branch() -> None:
    assert sent("github/push__new_branch").push().before in ZEROS


def test_an_annotated_tag_tells_its_commit_too() -> None:
    plain, annotated = sent("github/push__tag").push(), sent("github/push__annotated_tag").push()

    assert (plain.after, plain.commit) == (NEW, "")
    assert (annotated.after, annotated.commit) == (TAG, NEW)


def test_github_enterprise_keeps_its_host_and_port_and_may_send_times_as_text() -> None:
    push = sent("github/push__enterprise").push()

    assert push.repository == "git.corp.example:8443/acme/shop"
    assert push.pushed_at == 1763805300_000


def test_sha256_repositories() -> None:
    assert sent("github/push__sha256").push().after == "e5" * 32


def test_object_names_are_compared_in_lower_case() -> None:
    assert sent("github/push__branch").with_fields(after=NEW.upper()).push().after == NEW


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("github/ping__webhook", "ping"),
        ("github/pull_request__opened", "only push events deploy"),
    ],
)
def test_other_events_are_ignored_with_a_reason(name: str, reason: str) -> None:
    assert reason in sent(name).ignored().reason


def test_the_form_content_type_signs_the_form() -> None:
    branch = sent("github/push__branch")
    form = branch.but(body=urlencode({"payload": branch.body}).encode(), content_type=FORM)

    assert form.push() == branch.push()
    # A signature of the JSON inside is not one of the body.
    inner = {"X-Hub-Signature-256": hmac_of(branch.body)}
    assert form.but(headers=inner).rejected().status == 401


@pytest.mark.parametrize("body", ["", "other=1", "payload=1&payload=2", "xpayload={}"])
def test_a_form_without_exactly_one_payload(body: str) -> None:
    form = sent("github/push__branch").but(body=body.encode(), content_type=FORM)

    assert form.rejected().code == "invalid_form"


def test_a_form_may_hold_other_fields_and_raw_characters() -> None:
    branch = sent("github/push__branch")
    body = b"x=1&payload=" + quote_plus(branch.body, safe="{}:,").encode() + b"&y"

    assert branch.but(body=body, content_type=FORM).push() == branch.push()


def test_any_other_content_type_is_refused_with_a_remedy() -> None:
    rejected = sent("github/push__branch").but(content_type="text/plain").rejected()

    assert (rejected.status, rejected.code) == (415, "unsupported_media_type")
    assert "webhook's content type" in rejected.message


def test_the_legacy_signature_alone_is_refused_and_the_log_can_say_so() -> None:
    rejected = sent("github/push__branch").but(headers={"X-Hub-Signature-256": None}).rejected()

    assert (rejected.status, rejected.code) == (401, "unauthorized")
    assert rejected.cause == "signature_legacy"


@pytest.mark.parametrize("host", ["Gitea", "Forgejo", "Gogs"])
def test_hosts_that_imitate_github_are_told_apart(host: str) -> None:
    rejected = sent("github/push__branch").but(headers={f"X-{host}-Event": "push"}).rejected()

    assert rejected.code == "wrong_provider"
    assert f"provider is {host.lower()}" in rejected.message


def test_a_missing_event_header_is_named() -> None:
    rejected = sent("github/push__branch").but(headers={"X-GitHub-Event": None}).rejected()

    assert rejected.code == "missing_header"
    assert "X-GitHub-Event" in rejected.message


def test_a_missing_delivery_id_is_no_reason_to_lose_a_push() -> None:
    assert sent("github/push__branch").but(headers={"X-GitHub-Delivery": None}).received()


@pytest.mark.parametrize(
    "pushed_at", [0, None, 1763805300, 1763805300.5, "2025-11-22T10:55:00+01:00"]
)
def test_push_times_in_every_form(pushed_at: object) -> None:
    branch = sent("github/push__branch")
    repository = json.loads(branch.body)["repository"] | {"pushed_at": pushed_at}

    push = branch.with_fields(repository=repository).push()

    assert push.pushed_at in (0, 1763805300_000, 1763805300_500)


@pytest.mark.parametrize("pushed_at", ["yesterday", 1763805300123, -1, 10**30, "0001-01-01"])
def test_a_push_time_that_is_none_is_refused(pushed_at: object) -> None:
    branch = sent("github/push__branch")
    repository = json.loads(branch.body)["repository"] | {"pushed_at": pushed_at}

    rejected = branch.with_fields(repository=repository).rejected()

    assert "repository.pushed_at" in rejected.message


def test_a_push_of_something_else_than_a_branch_or_tag_is_ignored() -> None:
    assert sent("github/push__branch").with_fields(ref="refs/pull/7/head").ignored()
