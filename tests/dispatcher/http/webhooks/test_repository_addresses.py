"""A target is found by whichever address of its repository it names, from every Git host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dispatcher.ledger import Keys
from dispatcher.webhooks.registry import PROVIDERS
from tests.dispatcher.http.web import Web, results
from tests.dispatcher.http.webhooks.test_hosts import CREDENTIALS
from tests.dispatcher.webhooks.support import Sent, basic
from tests.dispatcher.webhooks.test_addresses import AT, CLONE, IDENTITY, SSH, moved

VICTIM = "https://git.other.example/victim/shop"


def target(repository: str) -> dict[str, Any]:
    return {
        "repository": repository,
        "branches": ["**"],
        "tags": ["**"],
        "job": {"image": "deployer"},
    }


def configuration(*repositories: str) -> str:
    """A hook for each kind of host, all of one tenant, and targets of that one and of another."""
    hooks = {
        provider: {
            "provider": provider,
            "secrets": [{"env": "AZURE" if provider == "azure-devops" else "HOOK_SECRET"}],
            "repositories": list(repositories),
        }
        for provider in PROVIDERS
    }
    targets = {"by-web": target(CLONE), "by-ssh": target(SSH), "victim": target(VICTIM)}
    return yaml.safe_dump({"version": 1, "hooks": hooks, "targets": targets}, sort_keys=False)


def serving(folder: Path, redis_url: str, keys: Keys, *repositories: str) -> Web:
    web = Web(folder, redis_url, keys)
    web.config.write_text(configuration(*repositories))
    web.environ["AZURE"] = CREDENTIALS
    return web


@pytest.fixture
def web(tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
    own = "forge.example.net:3000/**", "ssh.example.net/acme/*"
    with serving(tmp_path, redis_url, keys, *own) as web:
        yield web
    web.clean_up()


@pytest.fixture
def web_of_ssh(tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
    with serving(tmp_path, redis_url, keys, "ssh.example.net/acme/*") as web:
        yield web
    web.clean_up()


def authenticated(delivery: Sent) -> Sent:
    if delivery.provider != "azure-devops":
        return delivery
    return delivery.but(headers={"Authorization": basic(CREDENTIALS.encode())})


@pytest.mark.parametrize("name", AT)
def test_every_target_of_the_repository_is_heard_once(web: Web, name: str) -> None:
    response = web.deliver(authenticated(moved(name)))

    assert response.is_success, response.text
    assert [each["target"] for each in response.json()["results"]] == ["by-web", "by-ssh"]


def test_a_repeated_delivery_is_known_whichever_address_a_target_names(web: Web) -> None:
    first = web.deliver(moved("gitea/push__branch"))
    second = web.deliver(moved("gitea/push__branch"))

    assert results(first) == results(second) == {"by-web": "accepted", "by-ssh": "accepted"}
    assert all("came before" in each["reason"] for each in second.json()["results"])
    assert len(web.wake_ups()) == 2


def test_the_delivery_log_has_it_by_one_name_and_a_replay_finds_the_same_targets(web: Web) -> None:
    web.deliver(moved("gitea/push__branch"))

    (kept,) = web.api("deliveries").json()["deliveries"]
    replayed = web.api(f"deliveries/{kept['id']}/replay", "POST", json={})

    assert kept["repository"] == IDENTITY
    assert set(results(replayed)) == {"by-web", "by-ssh"}


@pytest.mark.parametrize("field", ["ssh_url", "html_url"])
def test_an_address_of_another_tenant_that_is_merely_claimed_reaches_nothing(
    web: Web, field: str
) -> None:
    response = web.deliver(moved("gitea/push__branch", **{field: VICTIM}))

    assert "victim" not in results(response)
    assert web.api("targets/victim/deploys").json()["deploys"] == []


def test_where_only_the_address_by_ssh_is_the_hooks_only_that_one_counts(web_of_ssh: Web) -> None:
    response = web_of_ssh.deliver(moved("gitlab/push_hook__branch"))

    assert results(response) == {"by-ssh": "accepted"}
