"""A file that was moved out of a filtered directory: what each host lists of it, and what comes of that.

The lists are what `git mv services/a.py archive/a.py` makes of a commit at each host.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from dispatcher.matching.matcher import Matcher
from dispatcher.webhooks.registry import PROVIDERS
from tests.dispatcher.webhooks.support import NEW, Sent, sent

OLD_NAME, NEW_NAME = "services/a.py", "archive/a.py"


@dataclass(frozen=True)
class Target:
    repository: str
    paths: tuple[str, ...]
    name: str = "services"
    branches: tuple[str, ...] = ("**",)
    tags: tuple[str, ...] = ()
    skip_markers: bool = True


LISTS = {
    "github/push__branch": {"added": [NEW_NAME], "removed": [OLD_NAME]},
    "gitlab/push_hook__branch": {"added": [NEW_NAME], "removed": []},
    "gitea/push__branch": {"added": [NEW_NAME], "removed": [OLD_NAME]},
    "forgejo/push__branch": {"added": [NEW_NAME], "removed": [OLD_NAME]},
    "gogs/push__branch": {"added": [NEW_NAME], "removed": []},
    "bitbucket/repo_push__branch": None,
    "bitbucket-server/repo_refs_changed__branch": None,
    "azure-devops/git_push__branch": None,
    "generic/push__branch": {"added": [NEW_NAME], "removed": [OLD_NAME]},
}
"""Fixture -> a commit's lists; None where the host lists no files."""

COUNTS = ("total_commits", "total_commits_count")
"""Where hosts say how many commits there are; Gogs does not."""


def rename(name: str) -> Sent:
    lists, delivery = LISTS[name], sent(name)
    if lists is None:
        return delivery
    if delivery.provider == "generic":
        (ref,) = json.loads(delivery.body)["refs"]
        return delivery.with_fields(refs=[{**ref, "paths": [NEW_NAME, OLD_NAME]}])
    commit = {"id": NEW, "message": "Move it", "modified": [], **lists}
    count = {field: 1 for field in COUNTS if field in json.loads(delivery.body)}
    return delivery.with_fields(commits=[commit], **count)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("paths", [("services/**",), ("**", "!archive/**")])
def test_the_directory_that_it_left_is_deployed(name: str, paths: tuple[str, ...]) -> None:
    push = rename(name).push()

    (decision,) = Matcher([Target(f"https://{push.repository}", paths)]).match(push, push.addresses)

    assert decision.wanted, decision.reason


def test_every_provider_was_asked() -> None:
    assert {name.partition("/")[0] for name in LISTS} == set(PROVIDERS)
