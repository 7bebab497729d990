"""`scm/` in front of a path: left out by Bitbucket Data Center, and a group like others everywhere else."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from dispatcher.ledger import Keys
from tests.dispatcher.http.web import Web
from tests.dispatcher.webhooks.support import Sent, sent

CONFIGURATION = """
version: 1
hooks:
  dc: {provider: bitbucket-server, secrets: [{env: HOOK_SECRET}], repositories: ["HOST/acme/*"]}
  plain: {provider: generic, secrets: [{env: HOOK_SECRET}], repositories: ["HOST/acme/*"]}
  all: {provider: generic, secrets: [{env: HOOK_SECRET}], repositories: ["HOST/**"]}
targets:
  ssh: {repository: "ssh://git@HOST:7999/acme/shop.git", branches: [main], job: {image: deployer}}
  web: {repository: "https://HOST/scm/acme/shop.git", branches: [main], job: {image: deployer}}
"""
HOST = "bitbucket.example.com"
LINKS = {"ssh": f"ssh://git@{HOST}:7999/acme/shop.git", "http": f"https://{HOST}/scm/acme/shop.git"}


def targets(response: httpx.Response) -> set[str]:
    assert response.is_success
    return {each["target"] for each in response.json()["results"]}


def data_center(*kinds: str) -> Sent:
    delivery = sent("bitbucket-server/repo_refs_changed__branch")
    links = {"clone": [{"href": LINKS[kind], "name": kind} for kind in kinds]}
    return delivery.with_fields(repository={"links": links})


def generic(path: str) -> Sent:
    return sent("generic/push__branch").with_fields(repository=f"https://{HOST}/{path}")


@pytest.mark.parametrize("kinds", [("ssh", "http"), ("ssh",), ("http",)])
def test_each_host_has_its_own_forms(
    tmp_path: Path, redis_url: str, keys: Keys, kinds: tuple[str, ...]
) -> None:
    web = Web(tmp_path, redis_url, keys)
    web.config.write_text(CONFIGURATION.replace("HOST", HOST))
    with web:
        of_data_center = targets(web.deliver(data_center(*kinds), "dc"))
        plain = targets(web.deliver(generic("acme/shop"), "all"))
        group = targets(web.deliver(generic("scm/acme/shop"), "all"))
        beyond = web.deliver(generic("scm/acme/shop"), "plain")
    web.clean_up()

    assert of_data_center == {"ssh", "web"}
    assert plain == {"ssh"}
    assert group == {"web"}
    assert beyond.json()["results"] == []
