"""Every fixture's pushes at a glance: which refs, from where to where.

`-` is no object, `?` is not said; `of` names the commit behind an annotated tag.
"""

from __future__ import annotations

import pytest

from dispatcher.domain.push import Push
from dispatcher.domain.refs import ZEROS
from dispatcher.webhooks.results import Received
from tests.dispatcher.webhooks.support import names, sent

PUSHES = {
    "azure-devops/git_push__annotated_tag": "refs/tags/v1.0 -..d4",
    "azure-devops/git_push__branch": "refs/heads/main a1..b2",
    "azure-devops/git_push__deleted_branch": "refs/heads/feature/basket a1..-",
    "azure-devops/git_push__deleted_tag": "refs/tags/v1.0 a1..-",
    "azure-devops/git_push__forced": "refs/heads/main d4..b2",
    "azure-devops/git_push__new_branch": "refs/heads/feature/basket -..b2",
    "azure-devops/git_push__no_commits": "refs/heads/release/1 -..b2",
    "azure-devops/git_push__old_host": "refs/heads/main a1..b2",
    "azure-devops/git_push__own_server": "refs/heads/main a1..b2",
    "azure-devops/git_push__several_refs": (
        "refs/heads/main a1..b2; refs/tags/v1.0 -..b2; refs/heads/old a1..-"
    ),
    "azure-devops/git_push__sha256": "refs/heads/main a5..e5",
    "azure-devops/git_push__tag": "refs/tags/v1.0 -..b2",
    "bitbucket/repo_push__annotated_tag": "refs/tags/v1.0 -..b2",
    "bitbucket/repo_push__branch": "refs/heads/main a1..b2",
    "bitbucket/repo_push__deleted_branch": "refs/heads/feature/basket a1..-",
    "bitbucket/repo_push__deleted_tag": "refs/tags/v1.0 a1..-",
    "bitbucket/repo_push__forced": "refs/heads/main a1..b2",
    "bitbucket/repo_push__many_commits": "refs/heads/main a1..b2",
    "bitbucket/repo_push__new_branch": "refs/heads/feature/basket -..b2",
    "bitbucket/repo_push__several_refs": (
        "refs/heads/main a1..b2; "
        "refs/tags/v1.0 -..b2; "
        "refs/heads/release/1 -..b2; "
        "refs/heads/old a1..-"
    ),
    "bitbucket/repo_push__sha256": "refs/heads/main -..e5",
    "bitbucket/repo_push__tag": "refs/tags/v1.0 -..b2",
    "bitbucket-server/repo_refs_changed__annotated_tag": "refs/tags/v1.0 -..d4",
    "bitbucket-server/repo_refs_changed__branch": "refs/heads/main a1..b2",
    "bitbucket-server/repo_refs_changed__deleted_branch": "refs/heads/feature/basket a1..-",
    "bitbucket-server/repo_refs_changed__deleted_tag": "refs/tags/v1.0 a1..-",
    "bitbucket-server/repo_refs_changed__forced": "refs/heads/main d4..b2",
    "bitbucket-server/repo_refs_changed__many_commits": "refs/heads/main a1..b2",
    "bitbucket-server/repo_refs_changed__new_branch": "refs/heads/feature/basket -..b2",
    "bitbucket-server/repo_refs_changed__old_version": "refs/heads/main a1..b2",
    "bitbucket-server/repo_refs_changed__only_ssh": "refs/heads/main a1..b2",
    "bitbucket-server/repo_refs_changed__own_port": "refs/heads/main a1..b2",
    "bitbucket-server/repo_refs_changed__several_refs": (
        "refs/heads/main a1..b2; refs/tags/v1.0 -..b2; refs/heads/old a1..-"
    ),
    "bitbucket-server/repo_refs_changed__sha256": "refs/heads/main a5..e5",
    "bitbucket-server/repo_refs_changed__tag": "refs/tags/v1.0 -..b2",
    "forgejo/delete__branch": "refs/heads/feature/basket ?..-",
    "forgejo/delete__sha256": "refs/heads/feature/basket ?..-",
    "forgejo/delete__tag": "refs/tags/v1.0 ?..-",
    "forgejo/push__annotated_tag": "refs/tags/v1.0 -..d4 of b2",
    "forgejo/push__branch": "refs/heads/main a1..b2 with paths",
    "forgejo/push__deleted_tag": "refs/tags/v1.0 a1..-",
    "forgejo/push__forced": "refs/heads/feature/basket d4..b2 with paths",
    "forgejo/push__many_commits": "refs/heads/main a1..b2",
    "forgejo/push__new_branch": "refs/heads/feature/basket -..b2",
    "forgejo/push__no_commits": "refs/heads/release/1 -..b2",
    "forgejo/push__sha256": "refs/heads/main a5..e5 with paths",
    "forgejo/push__tag": "refs/tags/v1.0 -..b2",
    "generic/push__branch": "refs/heads/main a1..b2 with paths",
    "generic/push__least": "refs/heads/main ?..b2",
    "generic/push__several_refs": (
        "refs/heads/main a1..b2; refs/tags/v1.0 -..d4 of b2; refs/heads/old c3..-"
    ),
    "gitea/delete__branch": "refs/heads/feature/basket ?..-",
    "gitea/delete__sha256": "refs/heads/feature/basket ?..-",
    "gitea/delete__tag": "refs/tags/v1.0 ?..-",
    "gitea/push__annotated_tag": "refs/tags/v1.0 -..d4 of b2",
    "gitea/push__branch": "refs/heads/main a1..b2 with paths",
    "gitea/push__deleted_tag": "refs/tags/v1.0 a1..-",
    "gitea/push__forced": "refs/heads/feature/basket d4..b2 with paths",
    "gitea/push__many_commits": "refs/heads/main a1..b2",
    "gitea/push__new_branch": "refs/heads/feature/basket -..b2",
    "gitea/push__no_commits": "refs/heads/release/1 -..b2",
    "gitea/push__sha256": "refs/heads/main a5..e5 with paths",
    "gitea/push__tag": "refs/tags/v1.0 -..b2",
    "github/push__annotated_tag": "refs/tags/v1.1 -..d4 of b2",
    "github/push__branch": "refs/heads/main a1..b2 with paths",
    "github/push__deleted_branch": "refs/heads/feature/basket a1..-",
    "github/push__deleted_tag": "refs/tags/v1.0 a1..-",
    "github/push__enterprise": "refs/heads/main a1..b2 with paths",
    "github/push__forced": "refs/heads/main a1..b2",
    "github/push__new_branch": "refs/heads/feature/basket -..b2",
    "github/push__no_commits": "refs/heads/release/1 -..b2",
    "github/push__sha256": "refs/heads/main d4..e5 with paths",
    "github/push__tag": "refs/tags/v1.0 -..b2",
    "gitlab/push_hook__branch": "refs/heads/main a1..b2 with paths",
    "gitlab/push_hook__deleted_branch": "refs/heads/feature/basket a1..-",
    "gitlab/push_hook__forced": "refs/heads/main d4..b2 with paths",
    "gitlab/push_hook__many_commits": "refs/heads/main a1..b2",
    "gitlab/push_hook__new_branch": "refs/heads/feature/basket -..b2",
    "gitlab/push_hook__no_commits": "refs/heads/release/1 -..b2",
    "gitlab/push_hook__sha256": "refs/heads/main a5..e5 with paths",
    "gitlab/push_hook__test_button": "refs/heads/main ?..b2 with paths",
    "gitlab/tag_push_hook__annotated_tag": "refs/tags/v1.0 -..d4 of b2",
    "gitlab/tag_push_hook__deleted_tag": "refs/tags/v1.0 a1..-",
    "gitlab/tag_push_hook__tag": "refs/tags/v1.0 -..b2",
    "gogs/create__annotated_tag": "refs/tags/v1.0 ?..d4",
    "gogs/create__tag": "refs/tags/v1.0 ?..b2",
    "gogs/delete__branch": "refs/heads/feature/basket ?..-",
    "gogs/delete__tag": "refs/tags/v1.0 ?..-",
    "gogs/push__branch": "refs/heads/main a1..b2",
    "gogs/push__forced": "refs/heads/feature/basket d4..b2",
    "gogs/push__new_branch": "refs/heads/feature/basket -..b2",
    "gogs/push__no_commits": "refs/heads/release/1 -..b2",
}


def line(push: Push) -> str:
    told = f"{push.ref} {short(push.before)}..{short(push.after)}"
    told += f" of {short(push.commit)}" if push.commit else ""
    return told + (" with paths" if push.paths else "")


def short(name: str) -> str:
    return "-" if name in ZEROS else name[:2] or "?"


@pytest.mark.parametrize("name", names())
def test_what_is_pushed(name: str) -> None:
    answer = sent(name).answer()

    told = "; ".join(map(line, answer.pushes)) if isinstance(answer, Received) else ""
    assert told == PUSHES.get(name, "")


@pytest.mark.parametrize("name", names())
def test_object_names_have_the_length_that_the_repository_has(name: str) -> None:
    answer = sent(name).answer()
    length = 64 if name.endswith("sha256") else 40

    for push in answer.pushes if isinstance(answer, Received) else ():
        assert {len(each) for each in (push.before, push.after, push.commit) if each} == {length}
