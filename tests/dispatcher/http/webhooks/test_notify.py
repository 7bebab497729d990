"""`git-dispatcher notify` and web: what is answered, and what whoever pushed reads of it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dispatcher.notify.post_receive import DELIVERED, REFUSED, run
from tests.dispatcher.http.web import Web
from tests.dispatcher.webhooks.support import NEW, OLD, SECRET


def notify(
    web: Web, path: str, secret: bytes = SECRET, refs: int = 1, repository: str = "acme/shop"
) -> tuple[int, str]:
    """The exit code, and the one line."""
    lines: list[str] = []
    code = run(
        f"{OLD} {NEW} refs/heads/main\n" * refs,
        url=f"{web.url}/{path}",
        repository=f"https://git.example.com/{repository}",
        secret=secret,
        cwd=Path("/nonexistent"),
        echo=lines.append,
        sleep=time.sleep,
        now=time.time,
    )
    (line,) = lines
    return code, line.removeprefix("git-dispatcher: ")


def test_a_push_that_is_taken(web: Web) -> None:
    assert notify(web, "webhooks/plain") == (DELIVERED, "main b2b2b2b2: bare/1 deploys it")


def test_a_repository_without_a_target(web: Web) -> None:
    said = "nothing to deploy: no target for repository git.example.com/acme/other"

    assert notify(web, "webhooks/plain", repository="acme/other") == (DELIVERED, said)


@pytest.mark.parametrize("path", ["webhooks/plain", "webhooks/no-such-hook"])
def test_another_secret_or_hook_is_told_with_what_to_compare(web: Web, path: str) -> None:
    code, line = notify(web, path, b"another secret")

    assert code == REFUSED
    assert line == (
        "not delivered: 401, the hook does not have the secret in --secret-file, or --url names no hook: "
        "check both"
    )


@pytest.mark.parametrize("path", ["", "webhooks", "api/v1/targets", "livez"])
def test_an_address_that_is_no_hooks(web: Web, path: str) -> None:
    code, line = notify(web, path)

    assert code == REFUSED
    assert line.startswith("not delivered: 40")
    assert "--url" in line


def test_any_other_no_is_reported_in_webs_words(web: Web) -> None:
    code, line = notify(web, "webhooks/plain", refs=50)

    assert code == REFUSED
    assert line == (
        "not delivered: 413, The body is larger than the 4096 bytes that this hook takes: raise its "
        "max_body"
    )
