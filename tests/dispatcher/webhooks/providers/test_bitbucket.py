"""Bitbucket Cloud and Bitbucket Data Center: what their deliveries mean."""

from __future__ import annotations

import json

import pytest

from dispatcher.domain.push import Push
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.receiving import receive
from dispatcher.webhooks.results import Ignored, Received
from tests.dispatcher.webhooks.support import NEW, OLD, SECRET, TAG, UUID, ZERO, Sent, basic, sent

CLOUD, SERVER = "bitbucket/repo_push__", "bitbucket-server/repo_refs_changed__"


def pushes(delivery: Sent) -> list[tuple[str, str, str]]:
    return [(push.ref, push.before, push.after) for push in delivery.received().pushes]


def test_atlassians_own_example_of_a_signature() -> None:
    # https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/#Examples
    digest = "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
    headers = [
        (b"X-Hub-Signature", f"sha256={digest}".encode()),
        (b"X-Event-Key", b"issue:created"),
        (b"X-Hook-UUID", b"{1}"),
    ]

    trust = Trust([b"It's a Secret to Everybody"])

    assert isinstance(receive("bitbucket", headers, b"Hello World!", trust), Ignored)


def test_a_push_to_a_branch_in_the_cloud() -> None:
    received = sent(f"{CLOUD}branch").received()

    assert received == Received(
        event="repo:push",
        delivery_id=UUID,
        pushes=(
            Push(
                repository="bitbucket.org/acme/shop",
                ref="refs/heads/main",
                before=OLD,
                after=NEW,
                title="Fix the checkout",
                message="Fix the checkout\n\nThe total was rounded twice.",
                pusher="ann",
            ),
        ),
    )


def test_a_push_to_a_branch_of_ones_own_server() -> None:
    received = sent(f"{SERVER}branch").received()

    assert received == Received(
        event="repo:refs_changed",
        delivery_id=UUID,
        pushes=(
            Push(
                repository="bitbucket.example.com/acme/shop",
                aliases=("bitbucket.example.com/scm/acme/shop",),
                ref="refs/heads/main",
                before=OLD,
                after=NEW,
                pushed_at=1763805300_000,
                title="Fix the checkout",
                message="Fix the checkout\n\nThe total was rounded twice.",
                pusher="ann",
            ),
        ),
    )


def test_every_ref_of_a_push_counts() -> None:
    assert pushes(sent(f"{CLOUD}several_refs")) == [
        ("refs/heads/main", OLD, NEW),
        ("refs/tags/v1.0", ZERO, NEW),
        ("refs/heads/release/1", ZERO, NEW),
        ("refs/heads/old", OLD, ZERO),
    ]
    assert pushes(sent(f"{SERVER}several_refs")) == [
        ("refs/heads/main", OLD, NEW),
        ("refs/tags/v1.0", ZERO, NEW),
        ("refs/heads/old", OLD, ZERO),
    ]


def test_the_cloud_says_null_where_git_says_zeros_and_they_fit_the_other_name() -> None:
    assert pushes(sent(f"{CLOUD}new_branch")) == [("refs/heads/feature/basket", ZERO, NEW)]
    assert pushes(sent(f"{CLOUD}deleted_tag")) == [("refs/tags/v1.0", OLD, ZERO)]
    assert sent(f"{CLOUD}sha256").push().before == "0" * 64


def test_an_annotated_tag_is_its_commit_in_the_cloud_and_itself_on_a_server() -> None:
    cloud, server = sent(f"{CLOUD}annotated_tag").push(), sent(f"{SERVER}annotated_tag").push()

    assert (cloud.after, server.after) == (NEW, TAG)


def test_a_change_that_changes_nothing_is_refused() -> None:
    rejected = sent(f"{CLOUD}branch").with_fields(push={"changes": [{"new": None}]}).rejected()

    assert rejected.message.startswith("push.changes[0] has neither old nor new")


def test_more_refs_than_anyone_pushes_are_refused() -> None:
    change = json.loads(sent(f"{CLOUD}branch").body)["push"]["changes"][0]

    def many(count: int) -> Sent:
        return sent(f"{CLOUD}branch").with_fields(push={"changes": [change] * count})

    assert len(many(1000).received().pushes) == 1000
    assert "push.changes" in many(1001).rejected().message


def test_a_repository_without_links_is_known_by_its_name_in_the_cloud() -> None:
    named = sent(f"{CLOUD}branch").with_fields(repository={"full_name": "Acme/Shop"})

    assert named.push().repository == "bitbucket.org/acme/shop"


def test_the_web_and_the_ssh_link_of_a_server_mean_the_same_repository() -> None:
    assert sent(f"{SERVER}only_ssh").push().repository == "bitbucket.example.com/acme/shop"
    assert sent(f"{SERVER}own_port").push().repository == "bitbucket.example.com:7990/acme/shop"


def test_a_server_that_sends_no_links_is_refused_with_what_is_missing() -> None:
    rejected = sent(f"{SERVER}branch").with_fields(repository={"slug": "shop"}).rejected()

    assert "repository.links.clone (http)" in rejected.message


def test_older_servers_send_no_commits() -> None:
    assert sent(f"{SERVER}old_version").push().title == ""


def test_a_connection_test_is_answered_for_what_it_is() -> None:
    ping = sent("bitbucket-server/diagnostics_ping__connection")

    assert ping.ignored().reason == "ping: the hook works"
    assert ping.but(body=b"").ignored()


def test_a_server_may_send_a_user_and_a_password_instead() -> None:
    branch = sent(f"{SERVER}branch")
    with_password = branch.but(
        headers={"X-Hub-Signature": None, "Authorization": basic(b"hook:hunter2")},
        secrets=(SECRET, b"hook:hunter2"),
    )

    assert with_password.received().secret == 1
    assert with_password.but(secrets=(b"hook:hunter3",)).rejected().cause == "signature_mismatch"
    # Where there is a signature, it has to be right.
    wrong = {**with_password.headers, "X-Hub-Signature": "sha256=" + "0" * 64}
    assert with_password.but(headers=wrong).rejected().cause == "signature_mismatch"


@pytest.mark.parametrize(
    ("name", "headers", "provider"),
    [
        (f"{CLOUD}branch", {"X-Hook-UUID": None}, "bitbucket-server"),
        (f"{SERVER}branch", {"X-Hook-UUID": "{1}"}, "bitbucket"),
    ],
)
def test_each_is_taken_for_what_it_is(
    name: str, headers: dict[str, str | None], provider: str
) -> None:
    rejected = sent(name).but(headers=headers).rejected()

    assert rejected.code == "wrong_provider"
    assert rejected.message.endswith(f"provider is {provider}")


@pytest.mark.parametrize("date", ["2025-11-22T10:55:00+0100", "2025-11-22T09:55:00Z", None])
def test_push_times(date: str | None) -> None:
    assert sent(f"{SERVER}branch").with_fields(date=date).push().pushed_at in (0, 1763805300_000)


@pytest.mark.parametrize("date", ["yesterday", "0001-01-01", "9999-12-31T23:59:59-23:59", "1e400"])
def test_a_push_time_that_is_none_is_refused(date: str) -> None:
    assert sent(f"{SERVER}branch").with_fields(date=date).rejected().message.startswith("date ")
