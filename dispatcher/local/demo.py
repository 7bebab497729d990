"""`make demo`: pushes for real, deploys for real, and checks each claim against the cluster and Git."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from rich.console import Console

from dispatcher.domain.errors import DispatcherError
from dispatcher.local.pod_history import PodHistory
from dispatcher.local.sandbox import ClaimFailed, Sandbox, run_in_sandbox

BURST = 20


class Scenario:
    """The steps, in order; each prints what it does and checks its claims."""

    def __init__(self, console: Console) -> None:
        self._console, self._began = console, time.monotonic()
        self._claims = 0

    def run(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._history = PodHistory(sandbox.local.kubeconfig, lambda line: self._line(line, "dim"))
        self._history.start()
        self._line(f"all processes run; their log is {sandbox.folder / 'log.txt'}")
        for step in (
            self._first,
            self._superseded,
            self._burst,
            self._failing,
            self._fixed,
            self._redeployed,
        ):
            step()
        self._last()

    def _first(self) -> None:
        self._title("A push is deployed")
        commit = self._push("Hello")
        self._ends(1, "succeeded")
        self._claim("the script ran at the pushed commit", self._sandbox.marker(1) == commit)
        self._clean()

    def _superseded(self) -> None:
        self._title("A newer push stops a slow deploy")
        self._push("Slow", "sleep 60")
        self._wait("shop/2 runs", lambda: self._sandbox.deploy(2)["state"] == "running")
        commit = self._push("Quick")
        self._ends(2, "superseded")
        self._ends(3, "succeeded")
        self._claim("the newer commit is deployed", self._sandbox.marker(3) == commit)
        self._claim("the slow one never finished", not self._sandbox.marker(2))
        self._clean()

    def _burst(self) -> None:
        self._title(f"{BURST} pushes in a row")
        commits = [self._sandbox.commit(f"Burst {n + 1}", "sleep 2") for n in range(BURST)]
        asked, last = time.monotonic(), commits[-1]
        for commit in commits:
            self._sandbox.push(commit)
        self._line(f"{BURST} pushes in {time.monotonic() - asked:.1f} s, the last is {last[:8]}")
        number = self._newest()
        self._wait("the last commit is deployed", lambda: self._is_deployed(last))
        self._claim("the last commit was deployed last", self._sandbox.marker(number) == last)
        finished = [n for n in range(4, number + 1) if self._sandbox.marker(n)]
        self._line(f"{BURST} pushes began {number - 3} deploys and finished {len(finished)}")
        self._claim("no push began more than one deploy", number - 3 <= BURST)
        self._claim("no deploy began after the last push's", self._newest() == number)
        self._clean()

    def _failing(self) -> None:
        self._title("A deploy that fails is kept for debugging")
        self._push("Broken", "echo 'no such database: shop' >&2; exit 3")
        number = self._newest()
        self._ends(number, "failed")
        deploy = self._sandbox.deploy(number)
        self._line(f"why: {deploy['why']}", "yellow")
        for line in deploy["log_tail"].strip().splitlines():
            self._line(f"     | {line}", "yellow")
        self._claim("its exit code is kept", deploy["exit_code"] == 3)
        self._claim("the end of its log is kept", "no such database" in deploy["log_tail"])
        self._claim("its Job is still there", self._sandbox.jobs() == [f"shop-{number}"])

    def _fixed(self) -> None:
        self._title("Its fix succeeds, and the failed Job is deleted")
        commit = self._push("Fixed")
        number = self._newest()
        self._ends(number, "succeeded")
        self._claim("the fix is deployed", self._sandbox.marker(number) == commit)
        self._clean()

    def _redeployed(self) -> None:
        self._title("Somebody redeploys it")
        before = self._sandbox.marker(self._newest())
        body = {"reason": "to see it run", "by": "ann"}
        self._sandbox.api.post("/api/v1/targets/shop/redeploy", json=body).raise_for_status()
        number = self._newest()
        self._ends(number, "succeeded")
        self._claim("the same commit ran again", self._sandbox.marker(number) == before)
        self._clean()

    def _last(self) -> None:
        self._title("And all the while")
        history = self._history
        self._claim("the watch on Pods never stopped", not history.trouble)
        self._claim(
            f"{len(history.runs)} Pods ran, never two at once",
            not history.overlaps and history.most_at_once == 1,
        )
        numbers = [run.number for run in sorted(history.runs.values(), key=lambda r: r.began)]
        self._claim("they ran in the order of their pushes", numbers == sorted(numbers))
        seconds = time.monotonic() - self._began
        self._console.print(f"\n[green bold]{self._claims} claims hold, in {seconds:.0f} s.[/]")

    # What the steps use

    def _push(self, message: str, what: str = "sleep 0.3") -> str:
        commit = self._sandbox.commit(message, what)
        output = self._sandbox.push(commit)
        self._line(f"git push  {commit[:8]} {message}", "bold")
        for line in output.splitlines():
            self._line(f"          {line}", "dim")
        return commit

    def _newest(self) -> int:
        return int(self._sandbox.deploys()[0]["number"])

    def _ends(self, number: int, state: str) -> None:
        over = ("succeeded", "failed", "superseded", "cancelled", "lost")
        ended = self._wait(
            f"shop/{number} ends",
            lambda: (found := self._sandbox.deploy(number)["state"]) in over and found,
        )
        self._claim(f"shop/{number} {state}", ended == state)

    def _is_deployed(self, commit: str) -> bool:
        newest = self._sandbox.deploys()[0]
        return bool(newest["commit"] == commit and newest["state"] == "succeeded")

    def _clean(self) -> None:
        empty = "no Job and no Pod is left"
        gone = self._wait(empty, lambda: not self._sandbox.jobs() and not self._sandbox.pods())
        self._claim(empty, gone is True)

    def _wait(self, what: str, look: Callable[[], object]) -> object:
        return self._sandbox.until(what, look)

    def _claim(self, what: str, holds: bool) -> None:
        if not holds:
            raise ClaimFailed(what)
        self._claims += 1
        self._line(f"✓ {what}", "green")

    def _title(self, text: str) -> None:
        self._console.print(f"\n[bold]{text}[/]")

    def _line(self, text: str, style: str = "") -> None:
        seconds = time.monotonic() - self._began
        self._console.print(f"{seconds:6.1f}  ", end="", style="dim")
        self._console.print(text, style=style or None, markup=False)


def run(*, keep: Path | None) -> int:
    """Runs the scenario in a temporary directory, or in `keep`, which stays; returns the exit code."""
    console = Console(highlight=False, soft_wrap=True)
    folder = keep or Path(tempfile.mkdtemp(prefix="git-dispatcher-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    scenario = Scenario(console)
    try:
        run_in_sandbox(folder, scenario.run)
    except (DispatcherError, httpx.HTTPError) as error:
        console.print(f"\nThis does not hold: {error}", style="red bold", markup=False)
        console.print(f"The log of all processes: {folder / 'log.txt'}", markup=False)
        return 1
    if not keep:
        shutil.rmtree(folder)
    return 0
