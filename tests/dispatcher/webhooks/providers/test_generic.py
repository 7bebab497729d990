"""Our own format: least and most, and what is refused."""

from __future__ import annotations

import json

import pytest

from dispatcher.domain.push import Push
from dispatcher.webhooks.results import Received
from tests.dispatcher.webhooks.support import MIDDLE, NEW, OLD, TAG, ZERO, sent


def test_a_full_delivery() -> None:
    received = sent("generic/push__branch").received()

    assert received == Received(
        event="push",
        delivery_id="delivery-1",
        pushes=(
            Push(
                repository="git.example.com/acme/shop",
                ref="refs/heads/main",
                before=OLD,
                after=NEW,
                pushed_at=1763845200123,
                title="Fix the checkout",
                message="Fix the checkout\n\nThe total was rounded twice.",
                pusher="ann",
                paths=("services/checkout/total.py", "README.md"),
            ),
        ),
    )


def test_the_least_delivery() -> None:
    push = sent("generic/push__least").but(headers={"X-Delivery-Id": None}).push()

    assert push == Push(
        repository="git.example.com/acme/shop",
        ref="refs/heads/main",
        before="",
        after=NEW,
    )


def test_several_refs_keep_their_order_and_what_is_no_branch_or_tag_is_left_out() -> None:
    received = sent("generic/push__several_refs").received()

    assert [(push.ref, push.after) for push in received.pushes] == [
        ("refs/heads/main", NEW),
        ("refs/tags/v1.0", TAG),
        ("refs/heads/old", ZERO),
    ]
    branch, tag, old = received.pushes
    assert (branch.before, branch.after) == (OLD, NEW)  # a field that nobody reads is ignored
    assert (tag.commit, tag.title) == (NEW, "The first release")
    assert old.deleted
    assert {push.repository for push in received.pushes} == {"file/srv/git/shop"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("generic/push__no_refs", "no refs: the hook works"),
        ("generic/push__only_notes", "no branch or tag was updated"),
    ],
)
def test_nothing_to_do(name: str, reason: str) -> None:
    assert sent(name).ignored().reason == reason


def test_no_paths_and_unknown_paths_are_different_things() -> None:
    def paths(value: object) -> tuple[str, ...] | None:
        ref = {"ref": "refs/heads/main", "after": NEW, "paths": value}
        return sent("generic/push__least").with_fields(refs=[ref]).push().paths

    assert paths([]) == ()
    assert paths(None) is None
    assert paths(["b", "a", "b"]) == ("b", "a")
    assert paths([str(n) for n in range(10_001)]) is None
    assert paths(["x" * 1025]) is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ref": "main"}, "refs[0].ref"),
        ({"ref": "refs/heads/a b"}, "refs[0].ref"),
        ({"ref": "refs/heads/a\x00"}, "refs[0].ref"),
        ({"ref": "refs/heads/../x"}, "refs[0].ref"),
        ({"ref": "refs/heads/x.lock"}, "refs[0].ref"),
        ({"ref": "refs/heads/"}, "refs[0].ref"),
        ({"ref": "refs/heads/" + "x" * 1024}, "refs[0].ref"),
        ({"ref": 7}, "refs[0].ref"),
        ({"after": "HEAD"}, "refs[0].after"),
        ({"after": NEW[:-1]}, "refs[0].after"),
        ({"after": "g" * 40}, "refs[0].after"),
        ({"after": ""}, "refs[0].after"),
        ({"after": None}, "refs[0].after"),
        ({"before": "x"}, "refs[0].before"),
        ({"commit": "x"}, "refs[0].commit"),
        ({"pushed_at": 1763845200}, "refs[0].pushed_at"),
        ({"pushed_at": 10**40}, "refs[0].pushed_at"),
        ({"pushed_at": True}, "refs[0].pushed_at"),
        ({"paths": "a"}, "refs[0].paths"),
        ({"paths": [1]}, "refs[0].paths[0]"),
        ({"message": {}}, "refs[0].message"),
    ],
)
def test_a_wrong_field_is_named_and_not_repeated(changes: dict[str, object], field: str) -> None:
    ref = {"ref": "refs/heads/main", "after": NEW} | changes
    rejected = sent("generic/push__least").with_fields(refs=[ref]).rejected()

    assert rejected.status == 400
    assert field in rejected.message


def test_a_message_never_repeats_the_body() -> None:
    ref = {"ref": "refs/heads/hunter2 ", "after": NEW}
    least = sent("generic/push__least")

    assert "hunter2" not in least.with_fields(refs=[ref]).rejected().message
    assert "hunter2" not in least.with_fields(repository="ftp://u:hunter2@x/y").rejected().message


@pytest.mark.parametrize("field", ["repository", "refs"])
def test_a_missing_field_is_named(field: str) -> None:
    least = sent("generic/push__least")
    body = {name: value for name, value in json.loads(least.body).items() if name != field}

    rejected = least.but(body=json.dumps(body).encode()).rejected()

    assert rejected.message == f"the body: object missing required field `{field}`"


def test_a_field_twice_is_refused() -> None:
    least = sent("generic/push__least")
    body = least.body.replace(b'"after"', b'"after": "%s", "after"' % MIDDLE.encode())

    assert least.but(body=body).rejected().code == "duplicate_field"


def test_more_refs_than_anyone_pushes_are_refused() -> None:
    ref = {"ref": "refs/heads/main", "after": NEW}
    least = sent("generic/push__least")

    assert len(least.with_fields(refs=[ref] * 1000).received().pushes) == 1000
    assert "refs" in least.with_fields(refs=[ref] * 1001).rejected().message


def test_the_remedy_for_curls_default_content_type() -> None:
    rejected = sent("generic/push__least").but(content_type="application/x-www-form-urlencoded")

    assert "Content-Type: application/json" in rejected.rejected().message


def test_a_body_of_too_many_values_is_not_read() -> None:
    """As a tree it would take half a gigabyte."""
    many = b'{"padding": [' + b"[]," * 1_000_000 + b"0]}"

    assert sent("generic/push__branch").but(body=many).rejected().code == "invalid_json"
