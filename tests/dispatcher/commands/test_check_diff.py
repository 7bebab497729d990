"""`git-dispatcher check --diff`, as a process, against what a watcher has published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from dispatcher.config import read_configuration
from dispatcher.ledger import Keys, Notifications, Publisher, Store
from dispatcher.local.ports import free_port
from tests.dispatcher.commands.test_cli import run
from tests.dispatcher.ledger.helpers import push, submit
from workers.manifest.job import render


class Published:
    """A configuration file whose first content is what the ledger has."""

    def __init__(self, folder: Path, redis_url: str, store: Store, keys: Keys) -> None:
        self.file = folder / "c.yaml"
        self.instance = keys.prefix.split(":")[1]
        self.environ = {
            "DISPATCHER_CONFIG": str(self.file),
            "REDIS_URL": redis_url,
            "DISPATCHER_INSTANCE": self.instance,
            "CHAT": "json://localhost",
        }
        self.hooks: dict[str, Any] = {}
        self.notifications: dict[str, Any] = {}
        self.targets = {name: target() for name in ("docs", "shop", "site", "wiki")}
        self.write()
        configured = read_configuration(self.file, {}).targets.values()
        Publisher(store).publish([render(each, self.instance) for each in configured])

    def write(self) -> None:
        configured = {"version": 1, "hooks": self.hooks, "targets": self.targets}
        configured["notifications"] = self.notifications
        self.file.write_text(yaml.safe_dump(configured))

    def diff(self, *options: str, **environ: str) -> tuple[int, str, str]:
        self.write()
        folder = self.file.parent
        done = run("check", "--diff", *options, cwd=folder, **{**self.environ, **environ})
        return done.returncode, done.stdout, done.stderr


def target(**job: Any) -> dict[str, Any]:
    job = {"image": "deployer:3", "env": {"TOKEN": "hunter2"}, **job}
    return {"repository": "https://github.com/acme/a", "branches": ["main"], "job": job}


@pytest.fixture
def published(tmp_path: Path, redis_url: str, store: Store, keys: Keys) -> Published:
    return Published(tmp_path, redis_url, store, keys)


def test_nothing_changes(published: Published) -> None:
    assert published.diff() == (0, "4 targets unchanged\n", "")


def test_every_kind_of_change(published: Published, store: Store) -> None:
    submit(store, push("0", "a"), target="wiki")
    targets = published.targets
    targets["web-shop"] = targets.pop("shop") | {"renamed_from": "shop"}
    targets["docs"] = target(image="deployer:4", env={"TOKEN": "correct horse"})
    targets["site"] |= {"keep_failed": 9}
    targets["api"] = target()
    del targets["wiki"]

    code, out, _ = published.diff()

    said = [line for line in out.splitlines() if not line.startswith(" ")]
    assert code == 0
    assert [line.partition(";")[0] for line in said] == [
        "api: is new",
        "docs: its Job changes",
        "site: keep_failed 3 -> 9",
        "web-shop: was shop: history and what runs go over, and nothing is deployed for it",
        "wiki: is removed",
        "0 other targets unchanged",
    ]
    assert "wiki/1 waits and is cancelled" in out
    assert {"  -        image: deployer:3", "  +        image: deployer:4"} <= set(out.splitlines())
    assert "+          value: (another value)" in out
    assert "hunter2" not in out
    assert "correct horse" not in out


def test_as_json_and_from_another_file(published: Published, tmp_path: Path) -> None:
    published.targets["docs"]["job"]["args"] = ["--more"]
    published.write()
    other = published.file.rename(tmp_path / "other.yaml")
    published.targets["docs"] = target()

    code, out, _ = published.diff("--output", "json", str(other))

    (change,) = json.loads(out)["changes"]
    assert code == 0
    assert (change["target"], change["change"]) == ("docs", "job")
    assert "+        - --more" in change["diff"].splitlines()
    assert json.loads(out)["unchanged"] == 3


def test_receivers_that_come_and_go(published: Published, store: Store) -> None:
    Notifications(store).state("former")
    published.notifications = {"chat": {"team": {"url": {"env": "CHAT"}}}}

    _, lines, _ = published.diff()
    _, as_json, _ = published.diff("--output", "json")

    assert lines.splitlines() == [
        "receiver team: is new; it is sent what happens from then on",
        "receiver former: is removed, and so is how far it is; its dead letters stay",
        "4 targets unchanged",
    ]
    assert json.loads(as_json)["receivers"] == {"new": ["team"], "removed": ["former"]}


def test_it_changes_nothing(published: Published, client: redis.Redis, keys: Keys) -> None:
    def all_of_it() -> dict[object, object]:
        return {key: client.dump(key) for key in client.scan_iter(f"{keys.prefix}*")}

    before = all_of_it()
    published.targets["web-shop"] = published.targets.pop("shop") | {"renamed_from": "shop"}
    published.diff()

    assert all_of_it() == before


def test_with_mistakes_it_compares_nothing(published: Published) -> None:
    published.targets["docs"]["renamed_from"] = "shop"

    code, out, err = published.diff()

    assert (code, out) == (2, "")
    assert '"shop" is a configured target' in err


def test_secrets_are_not_needed_to_compare(published: Published) -> None:
    published.hooks["github"] = {
        "provider": "github",
        "secrets": [{"env": "NOT_THERE"}],
        "repositories": ["github.com/acme/*"],
    }

    assert published.diff()[0] == 2
    assert published.diff("--without-secrets") == (0, "4 targets unchanged\n", "")


def test_without_redis_it_says_so(published: Published) -> None:
    url = f"redis://:a-password@127.0.0.1:{free_port()}/0"

    code, out, err = published.diff(REDIS_URL=url)

    assert (code, out) == (4, "")
    assert err.startswith("git-dispatcher check --diff: ")
    assert "127.0.0.1" in err
    assert "set REDIS_URL" in err
    assert "a-password" not in err
