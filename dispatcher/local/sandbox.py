"""The demo's sandbox: a Git repository, a working copy, a configuration, and all processes running."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import httpx

from dispatcher.domain.errors import DispatcherError
from dispatcher.local import up
from dispatcher.local.kube import items, kube_client
from dispatcher.local.ports import Ports
from dispatcher.local.quickstart import ensure_secret
from dispatcher.local.repository import create_repository, git
from dispatcher.local.supervisor import SupervisedProcess

T = TypeVar("T")
DEADLINE_SECONDS = 30.0

CONFIGURATION = """\
version: 1
hooks:
  local: {{provider: generic, secrets: [{{file: {secret}}}], repositories: ["**"]}}
targets:
  shop:
    repository: {repository}
    branches: [main]
    job:
      image: local/none
      command: [sh, deploy.sh]
      env: {{MARKERS: {markers}}}
      timeout: 1m
      stop_grace: 2s
"""

SCRIPT = """\
echo "deploying $GIT_COMMIT as $DEPLOY_ID"
{what}
git rev-parse HEAD > "$MARKERS/$DEPLOY_NUMBER"
"""


class ClaimFailed(DispatcherError):
    """git-dispatcher broke one of its promises."""


@dataclass(frozen=True)
class Sandbox:
    """What a scenario acts on: it pushes, and reads the API and the cluster."""

    folder: Path
    local: up.LocalInstallation
    api: httpx.Client
    kube: httpx.Client

    @property
    def work(self) -> Path:
        return self.folder / "shop"

    def commit(self, message: str, what: str = "sleep 0.3") -> str:
        """Commits a deploy script that runs `what`; returns the commit's id."""
        (self.work / "deploy.sh").write_text(SCRIPT.format(what=what))
        git("-C", str(self.work), "add", "deploy.sh")
        git("-C", str(self.work), "commit", "-q", "--allow-empty", "-m", message)
        return git("-C", str(self.work), "rev-parse", "HEAD")

    def push(self, commit: str) -> str:
        """Pushes up to a commit; returns what the remote printed."""
        return git(
            "-C", str(self.work), "push", "-q", "origin", f"{commit}:refs/heads/main", both=True
        )

    def deploys(self) -> list[dict[str, Any]]:
        """Newest first, from the API."""
        answer = self.api.get("/api/v1/targets/shop/deploys")
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["deploys"]
        return found

    def deploy(self, number: int) -> dict[str, Any]:
        """One deploy, from the API; `{"state": ""}` while there is none of that number."""
        answer = self.api.get(f"/api/v1/targets/shop/deploys/{number}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return {"state": ""}
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def jobs(self) -> list[str]:
        """Names of all Jobs in the cluster."""
        return [job["metadata"]["name"] for job in items(self.kube, "/apis/batch/v1/jobs")]

    def pods(self) -> list[str]:
        return [pod["metadata"]["name"] for pod in items(self.kube, "/api/v1/pods")]

    def marker(self, number: int) -> str:
        """The commit that deploy `number` found checked out and wrote to its file; "" if it wrote none."""
        path = self.folder / "markers" / str(number)
        return path.read_text().strip() if path.exists() else ""

    def until(self, claim: str, look: Callable[[], T]) -> T:
        """Polls `look` until its result is true, and returns it. Raises ClaimFailed after DEADLINE_SECONDS."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (found := look()):
            if time.monotonic() > deadline:
                raise ClaimFailed(f"{claim}: not within {DEADLINE_SECONDS:.0f} s")
            time.sleep(0.05)
        return found


class SandboxProcesses:
    """Starts the processes of a sandbox in `folder`, and stops them. For `async with`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = (folder / "log.txt").open("w", buffering=1)
        self._running: list[SupervisedProcess] = []
        self._ports = Ports()

    async def __aenter__(self) -> Sandbox:
        local = self._prepare()
        await up.start_all(local, 2, self._log_line, self._running)
        api = httpx.Client(
            base_url=local.url,
            headers={"Authorization": f"Bearer {local.token}"},
            trust_env=False,
        )
        return Sandbox(self._folder, local, api, kube_client(local.kubeconfig))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await up.stop_all(self._running)
        self._ports.release()

    def _log_line(self, name: str, line: str) -> None:
        self._log.write(f"{name:>8} | {line}\n")

    def _prepare(self) -> up.LocalInstallation:
        folder, state = self._folder, self._folder / "state"
        state.mkdir(mode=0o700)
        (folder / "markers").mkdir()
        port = self._ports.take(8000)
        secret = ensure_secret(folder / "hook-secret")
        url = f"http://127.0.0.1:{port}/webhooks/local"
        repository = create_repository(folder / "shop.git", url=url, secret_file=secret)
        git("clone", "-q", str(folder / "shop.git"), str(folder / "shop"))
        config = folder / "git-dispatcher.yaml"
        config.write_text(
            CONFIGURATION.format(secret=secret, repository=repository, markers=folder / "markers")
        )
        return up.prepare_installation(state, config, port)


def run_in_sandbox(folder: Path, scenario: Callable[[Sandbox], None]) -> None:
    """Starts a sandbox, runs the scenario in it, stops it. Raises ClaimFailed and NotReady."""

    async def _run() -> None:
        async with SandboxProcesses(folder) as sandbox:
            await asyncio.to_thread(scenario, sandbox)

    asyncio.run(_run())
