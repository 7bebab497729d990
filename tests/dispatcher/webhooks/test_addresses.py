"""Under which addresses each host's deliveries tell of their repository."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dispatcher.webhooks.registry import PROVIDERS
from tests.dispatcher.webhooks.support import Sent, names, sent

WEB = "http://forge.example.net:3000/git/acme/shop"
CLONE = f"{WEB}.git"
SSH = "ssh://git@ssh.example.net:2222/acme/shop.git"
IDENTITY, BY_SSH = "forge.example.net:3000/git/acme/shop", "ssh.example.net/acme/shop"

FORGES = {"clone_url": CLONE, "html_url": WEB, "ssh_url": SSH}
AT: dict[str, tuple[str, dict[str, Any]]] = {
    "github/push__branch": (
        "repository",
        {**FORGES, "git_url": "git://git.example.net/acme/shop.git"},
    ),
    "gitlab/push_hook__branch": (
        "project",
        {"git_http_url": CLONE, "web_url": WEB, "git_ssh_url": SSH},
    ),
    "gitea/push__branch": ("repository", FORGES),
    "gitea/delete__branch": ("repository", FORGES),
    "forgejo/push__branch": ("repository", FORGES),
    "gogs/push__branch": ("repository", FORGES),
    "gogs/create__tag": ("repository", FORGES),
    "bitbucket-server/repo_refs_changed__branch": (
        "repository.links",
        {"clone": [{"href": SSH, "name": "ssh"}, {"href": CLONE, "name": "http"}]},
    ),
    "azure-devops/git_push__own_server": (
        "resource.repository",
        {"remoteUrl": CLONE, "webUrl": WEB, "sshUrl": SSH},
    ),
}
"""Fixture -> the object in it that holds the addresses, and what is put there."""
MORE = {
    "github": ("git.example.net/acme/shop",),
    "bitbucket-server": ("ssh.example.net/scm/acme/shop",),
}
"""Provider -> what it gives besides: GitHub by git://, Bitbucket Data Center with the scm/ of its web."""
ONE = {"bitbucket", "generic"}
"""Providers whose deliveries tell one."""


def moved(name: str, **others: object) -> Sent:
    """The fixture, of a repository whose web and whose SSH have hosts of their own."""
    where, fields = AT[name]
    delivery = sent(name)
    body = json.loads(delivery.body)
    found = body
    for part in where.split("."):
        found = found[part]
    found.update(fields)
    found.update(others)
    return delivery.but(body=json.dumps(body).encode())


@pytest.mark.parametrize("name", AT)
def test_every_address_that_the_host_gives_counts(name: str) -> None:
    push = moved(name).push()

    more = MORE.get(name.partition("/")[0], ())
    assert push.repository == IDENTITY
    assert push.aliases == (BY_SSH, *more)
    assert push.addresses == (IDENTITY, BY_SSH, *more)


def test_every_provider_was_asked() -> None:
    assert {name.partition("/")[0] for name in AT} == set(PROVIDERS) - ONE


@pytest.mark.parametrize("name", names())
def test_where_all_addresses_mean_the_same_there_is_one(name: str) -> None:
    pushes = getattr(sent(name).answer(), "pushes", ())

    own_port = "own_port" in name or "enterprise" in name
    # Each address of Bitbucket Data Center has a form with scm/ and one without.
    forms = 2 if name.startswith("bitbucket-server/") else 1
    for push in pushes:
        expected = (2 if own_port else 1) * forms
        assert len(push.addresses) == len(set(push.addresses)) == expected


def test_a_web_address_on_another_port_and_ssh_on_its_own_are_two() -> None:
    assert sent("github/push__enterprise").push().addresses == (
        "git.corp.example:8443/acme/shop",
        "git.corp.example/acme/shop",
    )
    assert sent("bitbucket-server/repo_refs_changed__own_port").push().addresses == (
        "bitbucket.example.com:7990/acme/shop",
        "bitbucket.example.com:7990/scm/acme/shop",
        "bitbucket.example.com/acme/shop",
        "bitbucket.example.com/scm/acme/shop",
    )


@pytest.mark.parametrize("nothing", ["", None, "SSH is disabled", "git@", "https://host/?a=b"])
def test_what_stands_in_place_of_a_second_address_loses_no_push(nothing: str | None) -> None:
    assert moved("gitea/push__branch", ssh_url=nothing).push().addresses == (IDENTITY,)


def test_the_first_address_must_be_one() -> None:
    rejected = moved("gitea/push__branch", clone_url="https://host/?a=b").rejected()

    assert (rejected.status, rejected.code) == (400, "invalid_field")
    assert "repository.clone_url is not a repository URL" in rejected.message


@pytest.mark.parametrize("field", ["mirror_url", "homepage", "svn_url", "original_url", "website"])
def test_what_an_owner_can_write_is_no_address(field: str) -> None:
    for name in ("github/push__branch", "gitea/push__branch"):
        push = moved(name, **{field: "https://git.example.com/victim/shop"}).push()

        assert "git.example.com/victim/shop" not in push.addresses
