"""A whole installation for tests: every process real, driven as a Git host and an operator would."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import json
import threading
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import redis
import yaml

from dispatcher.domain.deploy import Deploy
from dispatcher.ledger import Keys, Listings, Publisher, Reader, Store, connect
from dispatcher.local import up
from dispatcher.local.kube import items, kube_client
from dispatcher.local.pod_history import PodHistory
from dispatcher.local.ports import Ports
from dispatcher.local.quickstart import ensure_secret
from dispatcher.local.supervisor import SupervisedProcess
from dispatcher.webhooks.authentication import signature
from tests.waiting import PATIENCE, eventually

T = TypeVar("T")
ZERO = "0" * 40
HOOK = """
version: 1
hooks:
  local: {{provider: generic, secrets: [{{file: {secret}}}], repositories: ["**"]}}
cluster: {{removal_grace: 1s, namespaces: {{narrow: {{max_running: 2}}}}}}
"""


def sha(name: str) -> str:
    return ZERO if name == "0" else hashlib.sha1(name.encode()).hexdigest()


@dataclass(frozen=True)
class LocalInstallation(up.LocalInstallation):
    """Where the product's processes may be told something else than `up` tells them."""

    product: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **self.product}


@dataclass
class Installation:
    """Everything that `git-dispatcher up` starts, in a folder of its own."""

    folder: Path
    log: list[str] = field(default_factory=list)
    running: list[SupervisedProcess] = field(default_factory=list)

    def start(
        self,
        workers: int = 1,
        watchers: int = 1,
        targets: Mapping[str, dict[str, Any]] | None = None,
        product: Mapping[str, str] | None = None,
    ) -> None:
        """With targets that are configured from the beginning, by name: see `target` for their settings;
        and with what the product's processes have in their environment besides what `up` gives them."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._ports = Ports()
        self.config = self.folder / "config"
        self.config.mkdir()
        self.markers = self.folder / "markers"
        self.markers.mkdir()
        self.secret = ensure_secret(self.folder / "secret")
        (self.config / "hooks.yaml").write_text(HOOK.format(secret=self.secret))
        for name, settings in (targets or {}).items():
            self._configure(name, **settings)
        state = self.folder / "state"
        state.mkdir()
        local = up.prepare_installation(state, self.config, self._ports.take(0))
        self.local = LocalInstallation(**vars(local), product=product or {})
        self._run(up.start_all(self.local, workers, self._say, self.running))
        for number in range(2, watchers + 1):
            self.start_standby(f"watcher.{number}")
        self.redis = connect(self.local.redis_url)
        self.keys = Keys("default")
        self.store = Store(self.redis, self.keys)
        self.reader = Reader(self.store)
        self.kube = kube_client(self.local.kubeconfig)
        self.web = httpx.Client(base_url=self.local.url, trust_env=False, timeout=10, verify=False)
        self.pod_history = PodHistory(self.local.kubeconfig)
        self.pod_history.start()

    def start_standby(self, name: str) -> None:
        """Another watcher."""
        process = SupervisedProcess(replace(self.process("watcher").spec, name=name), self._say)
        self.running.append(process)
        self._run(process.start())

    def stop(self) -> None:
        self.pod_history.stop()
        self._run(up.stop_all(self.running))
        self._ports.release()
        for client in (self.kube, self.web, self.redis):
            client.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(60)

    def _say(self, name: str, line: str) -> None:
        self.log.append(f"{time.monotonic():10.3f} {name:>8} | {line}")

    def answers(self) -> bool:
        """Whether Redis and web are there, after somebody killed them."""
        try:
            return bool(self.redis.ping()) and self.web.get("/livez").is_success
        except (redis.RedisError, httpx.HTTPError):
            return False

    def process(self, name: str) -> SupervisedProcess:
        return next(running for running in self.running if running.spec.name == name)

    def pid(self, name: str) -> int:
        process = self.process(name).process
        if process is None:
            raise LookupError(name)
        return process.pid

    # As somebody who looks after the machines

    def halt(self, name: str) -> None:
        """Ends a part, and nobody starts it again."""
        self._run(self.process(name).stop())

    def restart(self, name: str) -> None:
        """Starts a part that was halted; returns once it is ready."""
        old = self.process(name)
        new = SupervisedProcess(old.spec, self._say)
        self.running[self.running.index(old)] = new
        self._run(new.start())

    def logged(self, event: str, since: int = 0, **fields: str) -> list[dict[str, Any]]:
        """Lines of the product's log with this event and these fields, from a line on."""
        lines = [_event(line) for line in self.log[since:]]
        wanted = {"event": event, **fields}
        return [line for line in lines if wanted.items() <= line.items()]

    # As somebody who configures

    def target(self, name: str, script: str = "true", **settings: Any) -> Target:
        """A target of its own repository, once every process has read of it."""
        return self.targets([name], script, **settings)[0]

    def targets(self, names: Sequence[str], script: str = "true", **settings: Any) -> list[Target]:
        """Several that are alike, read all at once."""
        for name in names:
            self._configure(name, script, **copy.deepcopy(settings))
        return [self._once_read(name) for name in names]

    def _once_read(self, name: str) -> Target:
        target = self.configured(name)
        assert eventually(lambda: self.redis.hexists(self.keys.specs, name)), "not published"
        assert eventually(target.is_known_to_web), "web has not read of it"
        assert eventually(lambda: self._is_listed(name)), "no watcher has listed the namespace"
        return target

    def _is_listed(self, name: str) -> bool:
        """The target's namespace: until then, workers leave the cluster alone."""
        namespace = Publisher(self.store).published()[name].namespace
        return bool(Listings(self.store).listed() & {namespace, ""})

    def configured(self, name: str) -> Target:
        """A target that the installation was started with."""
        return Target(self, name, _repository(name))

    def _configure(self, name: str, script: str = "true", **settings: Any) -> None:
        more = dict(settings.pop("job", {}))
        job: dict[str, Any] = {
            "image": "busybox:1.36",
            "clone": False,
            "command": ["sh", "-c", script],
            "env": {"MARKERS": str(self.markers), **more.pop("env", {})},
            "timeout": "5m",
            "stop_grace": "1s",
            **more,
        }
        if "manifest" in more:
            job = more
        body = {"repository": _repository(name), "branches": ["**"], "job": job, **settings}
        document = yaml.safe_dump({"version": 1, "targets": {name: body}})
        (self.config / f"{name}.yaml").write_text(document)


def _repository(name: str) -> str:
    return f"https://git.example.com/acme/{name}"


def _event(line: str) -> dict[str, Any]:
    """A line of the log as its fields; nothing for one that is not the product's."""
    try:
        found: dict[str, Any] = json.loads(line.partition(" | ")[2])
    except ValueError:
        return {}
    return found


@dataclass
class Target:
    """One target, as its Git host and its operator see it."""

    system: Installation
    name: str
    repository: str

    def is_known_to_web(self) -> bool:
        """By this name: another target of the same repository may be what it knows."""
        answer = self.deliver("refs/heads/main", "", sha("0"))
        return self.name in {result["target"] for result in answer["results"]}

    def deliver(
        self, ref: str, before: str, after: str, *, delivery: str = "", at: int = 0
    ) -> dict[str, Any]:
        """POSTs one push; the answer's body. Raises httpx.HTTPStatusError."""
        one: dict[str, Any] = {"ref": ref, "before": before or ZERO, "after": after}
        if at:
            one["pushed_at"] = at
        body = msgspec.json.encode({"repository": self.repository, "pusher": "ann", "refs": [one]})
        secret = self.system.secret.read_bytes().strip()
        headers = {
            "Content-Type": "application/json",
            "X-Signature-256": signature(body, secret),
        }
        if delivery:
            headers["X-Delivery-Id"] = delivery
        answer = self.system.web.post("/webhooks/local", content=body, headers=headers)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def push(self, before: str, after: str, branch: str = "main", **more: Any) -> dict[str, Any]:
        """A push by the short names of its commits; the only result."""
        answer = self.deliver(f"refs/heads/{branch}", sha(before), sha(after), **more)
        (result,) = answer["results"]
        found: dict[str, Any] = result
        return found

    def deploys(self) -> list[Deploy]:
        return self.system.reader.deploys(self.name)

    def deploy(self, number: int) -> Deploy:
        found = self.system.reader.deploy(self.name, number)
        assert found is not None, f"{self.name}/{number} is not in the ledger"
        return found

    def until(self, number: int, *states: str, seconds: float = PATIENCE) -> Deploy:
        """The deploy once it is in one of these states."""

        def look() -> Deploy | None:
            found = self.system.reader.deploy(self.name, number)
            return found if found and found.state in states else None

        found = eventually(look, seconds)
        assert found, self.story(f"{self.name}/{number} is not {' or '.join(states)}")
        return found

    def settled(self, seconds: float = PATIENCE) -> list[Deploy]:
        """All deploys once none is open."""

        def look() -> list[Deploy]:
            found = self.deploys()
            return found if found and all(deploy.terminal for deploy in found) else []

        found = eventually(look, seconds)
        assert found, self.story("something is still open")
        return found

    def jobs(self) -> list[dict[str, Any]]:
        """Its Jobs, without name reservations: those only keep a name taken, for ten minutes."""
        selector = f"git-dispatcher/target={self.name},!git-dispatcher/name-reservation"
        return items(self.system.kube, "/apis/batch/v1/jobs", selector)

    def pods(self) -> list[dict[str, Any]]:
        return items(self.system.kube, "/api/v1/pods", f"git-dispatcher/target={self.name}")

    def is_clean(self, seconds: float = PATIENCE) -> bool:
        """Whether neither Job nor Pod of it is left, sooner or later."""
        return bool(eventually(lambda: not self.jobs() and not self.pods(), seconds))

    def overlaps(self) -> list[str]:
        return [
            line for line in self.system.pod_history.overlaps if line.startswith(f"{self.name}-")
        ]

    def commits_run(self) -> list[int]:
        """Numbers of the deploys whose Pods ran, in the order of their starts."""
        runs = [run for run in self.system.pod_history.runs.values() if run.target == self.name]
        return [run.number for run in sorted(runs, key=lambda run: run.began)]

    def story(self, claim: str) -> str:
        lines = [claim, *(repr(deploy) for deploy in self.deploys())]
        lines += [f"left: {job['metadata']} {job['status']}" for job in self.jobs()]
        lines += [f"left: {pod['metadata']['name']} {pod['status']}" for pod in self.pods()]
        lines.append(repr(self.system.redis.hgetall(self.system.keys.row(self.name))))
        lines.append(repr(self.system.redis.hgetall(self.system.keys.jobs(self.name))))
        return "\n".join([*lines, *self.system.log[-60:]])
