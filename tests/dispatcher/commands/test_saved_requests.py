"""A saved delivery is read as it was sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.commands.saved_requests import read_saved
from dispatcher.domain.errors import UsageError

JSON = (b"Content-Type", b"application/json")


def test_a_body_with_headers_beside_it() -> None:
    saved = read_saved(b' {"ref": 1}\r\n\r\n', ["X-GitHub-Event: push"])

    assert saved.headers == ((b"X-GitHub-Event", b"push"), JSON)
    assert (saved.body, saved.hook) == (b' {"ref": 1}\r\n\r\n', "")


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_whole_request(end: bytes) -> None:
    lines = [
        b"POST /webhooks/team-b?x=1 HTTP/1.1",
        b"Host: x",
        b"X-Gitlab-Event:Push Hook",
        b"",
        b"{}",
    ]

    saved = read_saved(end.join(lines), ["x-gitlab-event: Tag Push Hook"])

    assert saved.headers == ((b"Host", b"x"), (b"x-gitlab-event", b"Tag Push Hook"), JSON)
    assert (saved.body, saved.hook) == (b"{}", "team-b")


def test_what_github_shows_can_be_pasted() -> None:
    shown = b"Request URL: https://x/webhooks/github\nRequest method: POST\ncontent-type: a/b\n\n{}"

    saved = read_saved(shown, [])

    assert (saved.hook, saved.body) == ("github", b"{}")
    assert (b"content-type", b"a/b") in saved.headers
    assert JSON not in saved.headers


def test_a_form_is_a_body() -> None:
    content_type = "Content-Type: application/x-www-form-urlencoded"

    assert read_saved(b"payload=%7B%7D", [content_type]).body == b"payload=%7B%7D"


@pytest.mark.parametrize(
    ("content", "headers", "said"),
    [
        (b"", [], "no saved delivery"),
        (b"hello", [], "no saved delivery"),
        (b"A: b\nsecret\n\n{}", [], "line 2 is no header"),
        (b"{}", ["secret"], "--header is no header"),
    ],
)
def test_what_cannot_be_one(content: bytes, headers: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said) as told:
        read_saved(content, headers)

    assert "secret" not in str(told.value)


@given(st.binary(max_size=60) | st.text("a: \r\n{/", max_size=20).map(str.encode))
def test_nothing_else_is_raised(content: bytes) -> None:
    try:
        saved = read_saved(content, ["A: b"])
    except UsageError:
        return
    assert (b"A", b"b") in saved.headers
