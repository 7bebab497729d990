"""Answers that fit each Git host: 2xx for whatever needs no correction, and all of them in time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import yaml

from dispatcher.config import PROVIDERS
from dispatcher.http.webhooks.ledger_results import ANSWER_WITHIN
from dispatcher.http.webhooks.rate_limit import COUNT_WITHIN
from dispatcher.ledger import Keys
from dispatcher.local.ports import free_port
from dispatcher.webhooks.results import Ignored, Received
from tests.dispatcher.http.web import Web, results
from tests.dispatcher.webhooks.support import Sent, basic, names, sent
from tests.waiting import eventually

DOCUMENT = (Path(__file__).parents[4] / "docs" / "hooks.md").read_text()
WAITS = {
    host: float(seconds)
    for host, seconds in re.findall(r"^\| ([^|]+) \| (\d+) s \|", DOCUMENT, re.MULTILINE)
}
MARGIN = 0.5
"""Seconds for the network, and for reading what came."""

CREDENTIALS = "user:password"


def delivery(name: str) -> Sent:
    """Azure DevOps sends a user with its password; elsewhere any secret will do."""
    found = sent(name)
    if found.provider != "azure-devops":
        return found
    return found.but(headers={"Authorization": basic(CREDENTIALS.encode())})


def pushed() -> list[str]:
    return [name for name in names() if isinstance(sent(name).answer(), Received)]


def repositories() -> set[str]:
    return {push.repository for name in pushed() for push in sent(name).received().pushes}


def url(repository: str) -> str:
    path = quote(repository, safe="/:")
    return (
        f"file:///{path.removeprefix('file/')}" if path.startswith("file/") else f"https://{path}"
    )


def configuration(branches: list[str]) -> str:
    """A hook for each kind of host, and a target for each repository."""
    hooks = {
        provider: {
            "provider": provider,
            "secrets": [{"env": "AZURE" if provider == "azure-devops" else "HOOK_SECRET"}],
            "repositories": ["**"],
            "replay_window": "1d",
        }
        for provider in PROVIDERS
    }
    targets = {
        f"target-{number}": {
            "repository": url(repository),
            "branches": branches,
            "tags": branches,
            "job": {"image": "deployer"},
        }
        for number, repository in enumerate(sorted(repositories()))
    }
    return yaml.safe_dump({"version": 1, "hooks": hooks, "targets": targets})


def hosts(folder: Path, redis_url: str, keys: Keys, branches: list[str]) -> Web:
    web = Web(folder, redis_url, keys)
    web.config.write_text(configuration(branches))
    web.environ["AZURE"] = CREDENTIALS
    return web


@pytest.fixture
def following(tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
    """All branches and tags of all repositories are deployed."""
    with hosts(tmp_path, redis_url, keys, ["**"]) as web:
        yield web
    web.clean_up()


@pytest.fixture
def uninterested(tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
    with hosts(tmp_path, redis_url, keys, ["nothing-like-it"]) as web:
        yield web
    web.clean_up()


def answers(web: Web, wanted: list[str]) -> dict[str, httpx.Response]:
    return {name: web.deliver(delivery(name)) for name in wanted}


def failed(found: dict[str, httpx.Response]) -> dict[str, str]:
    return {name: each.text for name, each in found.items() if not each.is_success}


def outcomes(found: dict[str, httpx.Response]) -> set[str]:
    return {outcome for each in found.values() for outcome in results(each).values()}


def test_every_delivery_is_answered_with_2xx_and_so_is_a_second_one(following: Web) -> None:
    readable = [n for n in names() if isinstance(sent(n).answer(), Received | Ignored)]
    assert {name.partition("/")[0] for name in readable} == set(PROVIDERS)

    for _ in range(2):
        assert not failed(answers(following, readable))


def test_what_is_filtered_is_no_failure(uninterested: Web) -> None:
    found = answers(uninterested, pushed())

    assert not failed(found)
    assert outcomes(found) == {"filtered"}


def test_what_is_paused_is_no_failure(following: Web) -> None:
    assert following.api("pause", "POST", json={"reason": "migration"}).is_success

    found = answers(following, pushed())

    assert not failed(found)
    assert "held" in outcomes(found)
    assert "accepted" not in outcomes(found)


def test_what_has_no_target_is_no_failure(following: Web) -> None:
    document = yaml.safe_load(following.config.read_text())
    document["targets"] = {"other": next(iter(document["targets"].values()))}
    document["targets"]["other"]["repository"] = "https://example.com/acme/other"
    following.config.write_text(yaml.safe_dump(document))
    assert eventually(lambda: len(following.api("targets").json()["targets"]) == 1)

    found = answers(following, pushed())

    assert not failed(found)
    assert all(each.json()["reason"] for each in found.values())


def test_without_the_ledger_every_host_is_told_when_to_come_again(
    tmp_path: Path, keys: Keys
) -> None:
    with hosts(tmp_path, f"redis://127.0.0.1:{free_port()}/0", keys, ["**"]) as web:
        firsts = {name.partition("/")[0]: name for name in reversed(pushed())}
        found = answers(web, sorted(firsts.values()))

    assert len(found) == len(PROVIDERS)
    assert {(each.status_code, each.headers["Retry-After"]) for each in found.values()} == {
        (503, "5")
    }


def test_the_longest_answer_is_shorter_than_the_least_patient_host_waits() -> None:
    assert len(WAITS) >= 8
    assert min(WAITS.values()) >= ANSWER_WITHIN + COUNT_WITHIN + MARGIN
