"""GitLab: what its deliveries mean."""

from __future__ import annotations

import json

import pytest

from dispatcher.domain.push import Push
from dispatcher.webhooks.results import Received
from tests.dispatcher.webhooks.support import NEW, OLD, SECRET, TAG, ZERO, sent


def test_a_push_to_a_branch() -> None:
    received = sent("gitlab/push_hook__branch").received()

    assert received == Received(
        event="Push Hook",
        delivery_id="f5e5f430-f57b-4e6e-9fac-d9128cd7232f",
        pushes=(
            Push(
                repository="gitlab.com/acme/shop",
                ref="refs/heads/main",
                before=OLD,
                after=NEW,
                title="Fix the checkout",
                message="Fix the checkout\n\nThe total was rounded twice.",
                pusher="ann",
                paths=(
                    "services/basket/app.py",
                    "services/checkout/total.py",
                    "README.md",
                    "services/checkout/old.py",
                ),
                maybe_renamed=("services/checkout/total.py",),
            ),
        ),
    )


def test_without_an_idempotency_key_there_is_no_delivery_id() -> None:
    delivery = sent("gitlab/push_hook__branch").but(headers={"Idempotency-Key": None})

    assert delivery.received().delivery_id == ""


@pytest.mark.parametrize("case", ["many_commits", "new_branch", "deleted_branch"])
def test_paths_are_unknown_where_the_commits_do_not_tell_all(case: str) -> None:
    assert sent(f"gitlab/push_hook__{case}").push().paths is None


def moved(*, complete: bool = True, **lists: list[str]) -> Push:
    """A push of one commit with these lists of files."""
    commit = {"id": NEW, "message": "Move it", "added": [], "modified": [], "removed": []} | lists
    count = 1 if complete else 21
    delivery = sent("gitlab/push_hook__branch")
    return delivery.with_fields(commits=[commit], total_commits_count=count).push()


@pytest.mark.parametrize("removed", [[], ["tools/b.py"]])
def test_a_new_file_may_be_a_renamed_one_since_gitlab_lists_only_the_new_name(
    removed: list[str],
) -> None:
    push = moved(added=["archive/a.py"], modified=["README.md"], removed=removed)

    assert push.maybe_renamed == ("archive/a.py",)


def test_what_is_changed_or_removed_has_no_other_name() -> None:
    assert moved(modified=["README.md"], removed=["archive/a.py"]).maybe_renamed == ()


def test_where_not_all_files_are_known_renames_are_no_matter() -> None:
    push = moved(added=["archive/a.py"], complete=False)

    assert (push.paths, push.maybe_renamed) == (None, ())


def test_deletions_have_no_checkout_sha() -> None:
    branch = sent("gitlab/push_hook__deleted_branch").push()
    tag = sent("gitlab/tag_push_hook__deleted_tag").push()

    assert (branch.after, tag.after) == (ZERO, ZERO)
    assert branch.deleted
    assert tag.deleted


def test_an_annotated_tag_tells_its_commit_and_its_own_message() -> None:
    push = sent("gitlab/tag_push_hook__annotated_tag").push()

    assert (push.ref, push.after, push.commit) == ("refs/tags/v1.0", TAG, NEW)
    assert push.title == "The first release"


def test_the_test_button_moves_nothing_so_it_says_nothing_of_the_past() -> None:
    push = sent("gitlab/push_hook__test_button").push()

    assert (push.before, push.after) == ("", NEW)


def test_a_project_without_http_is_known_by_its_other_urls() -> None:
    branch = sent("gitlab/push_hook__branch")
    project = json.loads(branch.body)["project"] | {"git_http_url": None, "web_url": ""}

    assert branch.with_fields(project=project).push().repository == "gitlab.com/acme/shop"


def test_a_project_without_any_url_is_refused() -> None:
    rejected = sent("gitlab/push_hook__branch").with_fields(project={"id": 1}).rejected()

    assert "project.git_http_url" in rejected.message


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gitlab/merge_request_hook__opened", "only push and tag push events"),
        ("gitlab/pipeline_hook__success", "only push and tag push events"),
        ("gitlab/system_hook__push", "add a webhook to the project or group"),
    ],
)
def test_other_events_are_ignored_with_a_reason(name: str, reason: str) -> None:
    assert reason in sent(name).ignored().reason


@pytest.mark.parametrize("token", ["", "wrong", SECRET.decode() + "x", SECRET.decode()[:-1], "ü"])
def test_only_the_exact_token_authenticates(token: str) -> None:
    rejected = sent("gitlab/push_hook__branch").but(headers={"X-Gitlab-Token": token}).rejected()

    assert (rejected.status, rejected.cause) == (401, "signature_mismatch")


def test_a_token_may_hold_any_character() -> None:
    token = "pâss"
    delivery = sent("gitlab/push_hook__branch").but(
        headers={"X-Gitlab-Token": token},
        secrets=(token.encode("latin-1"),),
    )

    assert delivery.received()


def test_a_form_is_refused() -> None:
    rejected = sent("gitlab/push_hook__branch").but(
        content_type="application/x-www-form-urlencoded",
    )

    assert rejected.rejected().status == 415
