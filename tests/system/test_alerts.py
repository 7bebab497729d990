"""A real Prometheus with the alert rules, beside an installation in which things go wrong one by one."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from dispatcher.ledger import connect
from dispatcher.local.valkey import socket_path, socket_url
from tests.dispatcher.local.test_up import push_to_hello, running
from tests.tools import installed
from tests.waiting import eventually

RULES = Path(__file__).parents[2] / "deploy" / "monitoring" / "alerts.yaml"
JOB: dict[str, Any] = {"image": "local/none", "clone": False}


class Prometheus:
    """A server of its own, which looks every second; no rule waits before it fires."""

    def __init__(self, folder: Path, addresses: list[str]) -> None:
        rules = yaml.safe_load(RULES.read_text())
        for group in rules["groups"]:
            for rule in group["rules"]:
                rule.pop("for", None)
        (folder / "alerts.yaml").write_text(yaml.safe_dump(rules))
        self.config = folder / "prometheus.yaml"
        self.config.write_text(
            yaml.safe_dump(
                {
                    # A scrape may take its interval at most, and one second of it is the wait for Redis.
                    "global": {"scrape_interval": "3s", "evaluation_interval": "1s"},
                    "rule_files": ["alerts.yaml"],
                    "scrape_configs": [
                        {"job_name": "all", "static_configs": [{"targets": addresses}]}
                    ],
                }
            )
        )
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.data = folder / "data"

    def __enter__(self) -> Prometheus:
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={self.config}",
                f"--storage.tsdb.path={self.data}",
                f"--web.listen-address={self.address}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert eventually(lambda: self.values("up == 1 and on () count(up == 1) >= 4"))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def values(self, query: str) -> list[dict[str, str]]:
        """The labels of what a query finds."""
        url = f"http://{self.address}/api/v1/query"
        try:
            with httpx.Client(trust_env=False, verify=False) as client:
                answer = client.get(url, params={"query": query})
        except httpx.HTTPError:
            return []
        if answer.status_code == 503:  # it is not ready yet
            return []
        return [each["metric"] for each in answer.raise_for_status().json()["data"]["result"]]

    def fires(self, alert: str, **labels: str) -> bool:
        wanted = {"alertname": alert, "alertstate": "firing", **labels}
        matchers = ", ".join(f'{name}="{value}"' for name, value in wanted.items())
        return bool(eventually(lambda: self.values(f"ALERTS{{{matchers}}}")))

    def is_quiet(self, *but: str) -> bool:
        """Whether nothing fires, but those."""
        others = "|".join(but) or "none"
        query = f'ALERTS{{alertstate="firing", alertname!~"{others}"}}'
        return bool(eventually(lambda: not self.values(query) and self.values("up")))


@contextmanager
def stopped(*processes: int) -> Iterator[None]:
    """They hang for the block."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def processes(state: Path, last: str) -> list[int]:
    """Of this installation, by the last word of their command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            environment = (folder / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        wrapped = b"dispatcher.local.parent_death" in words
        if not wrapped and words[-1].decode() == last and str(state) in environment:
            found.append(int(folder.name))
    return found


def test_what_goes_wrong_fires_its_alert_and_is_resolved(tmp_path: Path) -> None:
    installed("prometheus", "prometheus")
    state = tmp_path / "state"
    with running(state):
        welcome = state.with_suffix(".log").read_text()
        addresses = re.findall(r"http://(127\.0\.0\.1:\d+)/metrics", welcome)
        with Prometheus(tmp_path, addresses) as prometheus:
            assert prometheus.is_quiet()
            deploys_fail(prometheus, state, tmp_path / "work")
            somebody_tries_secrets(prometheus, addresses[0])
            the_configuration_is_broken(prometheus, state)
            workers_hang(prometheus, state, tmp_path / "work-2")
            redis_is_full(prometheus, state, tmp_path / "work-3")
            redis_hangs_and_then_the_watcher(prometheus, state)


def deploys_fail(prometheus: Prometheus, state: Path, work: Path) -> None:
    file = state / "git-dispatcher.yaml"
    document = yaml.safe_load(file.read_text())
    hello = document["targets"]["hello"]
    broken = {"command": ["sh", "-c", "exit 3"]}
    waiting = {"command": ["true"], "env": {"X": {"secret": "absent", "key": "x"}}}
    for name, job in (("breaks", broken), ("waits", waiting)):
        document["targets"][name] = {**hello, "job": {**JOB, **job}}
    file.write_text(yaml.safe_dump(document))
    assert eventually(lambda: prometheus.values("git_dispatcher_targets == 3"))

    push_to_hello(state, work)

    assert prometheus.fires("GitDispatcherDeployFailed", target="breaks", cause="script")
    assert prometheus.fires("GitDispatcherDeployDoesNotStart", target="waits", cause="config")
    for name in ("breaks", "waits"):
        del document["targets"][name]
    file.write_text(yaml.safe_dump(document))
    assert prometheus.is_quiet()


def somebody_tries_secrets(prometheus: Prometheus, web: str) -> None:
    counted = 'git_dispatcher_rejections_total{hook="local"} >= '
    with httpx.Client(trust_env=False, verify=False) as client:
        for tries, known in ((1, "1"), (20, "21")):
            for _ in range(tries):
                client.post(f"http://{web}/webhooks/local", content=b"{}")
            assert eventually(lambda known=known: prometheus.values(counted + known))  # type: ignore[misc]

    assert prometheus.fires("GitDispatcherManyUnauthenticated", hook="local")


ONLY_TRIED = "GitDispatcherManyUnauthenticated"
"""Looks back over a quarter of an hour: it stays for the rest of the test."""


def the_configuration_is_broken(prometheus: Prometheus, state: Path) -> None:
    file = state / "git-dispatcher.yaml"
    good = file.read_text()
    file.write_text("version: 7")
    assert prometheus.fires("GitDispatcherConfigRefused")
    file.write_text(good)
    assert prometheus.is_quiet(ONLY_TRIED)


def workers_hang(prometheus: Prometheus, state: Path, work: Path) -> None:
    with stopped(*processes(state, "worker")):
        push_to_hello(state, work)
        assert prometheus.fires("GitDispatcherWakeUpsNotTaken")
        assert prometheus.fires("GitDispatcherNoWorker")
        assert prometheus.fires("GitDispatcherProcessLate", process="worker")
    assert prometheus.is_quiet(ONLY_TRIED, "GitDispatcherRepairs")


def redis_is_full(prometheus: Prometheus, state: Path, work: Path) -> None:
    with connect(socket_url(socket_path(state))) as client:
        client.config_set("maxmemory", 1)
        push_to_hello(state, work)
        assert prometheus.fires("GitDispatcherRedisNotWritable")
        assert prometheus.fires("GitDispatcherDeliveriesUnavailable", hook="local")
        client.config_set("maxmemory", 0)


def redis_hangs_and_then_the_watcher(prometheus: Prometheus, state: Path) -> None:
    (valkey,) = (
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if _command(folder).startswith("valkey-server") or "valkey.sock" in _command(folder)
        if str(state) in _command(folder) and "parent_death" not in _command(folder)
    )
    with stopped(valkey):
        assert prometheus.fires("GitDispatcherRedisAway")
        assert prometheus.fires("GitDispatcherNoLeader")
    assert prometheus.is_quiet(
        ONLY_TRIED, "GitDispatcherDeliveriesUnavailable", "GitDispatcherRepairs"
    )
    with stopped(*processes(state, "watcher")):
        assert prometheus.fires("GitDispatcherProcessMissing", process="watcher")
        assert prometheus.fires("GitDispatcherNoLeader")


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
