"""Every Git host's push, from the request to the target, whose repository is spelled in another way."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.config import PROVIDERS
from dispatcher.ledger import Keys
from tests.dispatcher.http.web import Web, error, results
from tests.dispatcher.webhooks.support import SECRET, basic, sent, standard

KEY = b"32 bytes are the key of a GitLab"
PASSWORD = "hook:a password of the tests"

HOSTS = {
    "github": ("github/push__branch", "git@github.com:ACME/shop.git"),
    "gitlab": ("gitlab/push_hook__branch", "ssh://git@gitlab.com/acme/shop"),
    "gitea": ("gitea/push__branch", "ssh://git@git.example.com:2222/acme/shop.git"),
    "forgejo": ("forgejo/push__branch", "https://git.example.com/acme/shop"),
    "gogs": ("gogs/push__branch", "git@git.example.com:acme/shop"),
    "bitbucket": ("bitbucket/repo_push__branch", "git@bitbucket.org:acme/shop.git"),
    "bitbucket-server": (
        "bitbucket-server/repo_refs_changed__branch",
        "ssh://git@bitbucket.example.com:7999/acme/shop.git",
    ),
    "azure-devops": (
        "azure-devops/git_push__branch",
        "git@ssh.dev.azure.com:v3/acme/Web%20Shop/shop",
    ),
    "generic": ("generic/push__branch", "https://git.example.com/acme/shop"),
}
"""A push, and the `repository` of its target."""


def configuration() -> str:
    hooks, targets = ["version: 1", "hooks:"], ["targets:"]
    for provider, (_, repository) in HOSTS.items():
        secrets = "{env: PASSWORD}" if provider == "azure-devops" else "{env: HOOK_SECRET}"
        secrets += ", {env: SIGNING_TOKEN}" if provider == "gitlab" else ""
        rest = f"secrets: [{secrets}], repositories: ['**']"
        hooks.append(f"  {provider}: {{provider: {provider}, {rest}}}")
        rest = "branches: [main], job: {image: deployer}"
        targets.append(f"  to-{provider}: {{repository: '{repository}', {rest}}}")
    return "\n".join(hooks + targets)


@pytest.fixture
def web(tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
    made = Web(tmp_path, redis_url, keys)
    made.config.write_text(configuration())
    token = "whsec_" + base64.b64encode(KEY).decode()
    made.environ |= {"PASSWORD": PASSWORD, "SIGNING_TOKEN": token, "HOOK_SECRET": SECRET.decode()}
    with made:
        yield made
    made.clean_up()


def test_every_host_is_here() -> None:
    assert tuple(HOSTS) == PROVIDERS


@pytest.mark.parametrize("provider", HOSTS)
def test_every_hosts_push_reaches_its_target(web: Web, provider: str) -> None:
    delivery = sent(HOSTS[provider][0])
    if provider == "azure-devops":
        delivery = delivery.but(headers={"Authorization": basic(PASSWORD.encode())})

    response = web.deliver(delivery, provider)

    assert response.status_code == 202
    assert results(response)[f"to-{provider}"] == "accepted"


def test_a_signing_tokens_time_is_compared_with_the_clock(web: Web) -> None:
    branch = sent("gitlab/push_hook__branch")
    now = int(time.time())

    fresh = branch.but(headers={"X-Gitlab-Token": None, **standard(branch.body, KEY, now)})
    stale = branch.but(headers={"X-Gitlab-Token": None, **standard(branch.body, KEY, now - 400)})

    assert web.deliver(fresh).status_code == 202
    assert error(web.deliver(stale)) == (401, "unauthorized")


def test_a_connection_test_is_answered_with_what_it_is(web: Web) -> None:
    response = web.deliver(sent("bitbucket-server/diagnostics_ping__connection"))

    assert (response.status_code, response.json()["reason"]) == (200, "ping: the hook works")
