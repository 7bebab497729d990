"""`make demo`: real pushes become real deploys, and each claim is checked against the cluster and Git."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from rich.console import Console

from dispatcher.domain.errors import DispatcherError
from dispatcher.local.observer import Observer
from dispatcher.local.stage import ClaimFailed, Stage, play

BURST = 20


class Story:
    """The chapters, in order; each says what it does and checks what came of it."""

    def __init__(self, console: Console) -> None:
        self._console, self._began = console, time.monotonic()
        self._claims = 0

    def tell(self, stage: Stage) -> None:
        self._stage = stage
        self._observer = Observer(stage.place.kubeconfig, lambda line: self._line(line, "dim"))
        self._observer.start()
        self._line(f"all parts run; their log is {stage.folder / 'log.txt'}")
        for chapter in (
            self._first,
            self._superseded,
            self._burst,
            self._failing,
            self._fixed,
            self._redeployed,
        ):
            chapter()
        self._last()

    def _first(self) -> None:
        self._title("A push is deployed")
        commit = self._push("Hello")
        self._ends(1, "succeeded")
        self._claim("the script ran at the pushed commit", self._stage.marker(1) == commit)
        self._clean()

    def _superseded(self) -> None:
        self._title("A newer push stops a slow deploy")
        self._push("Slow", "sleep 60")
        self._wait("shop/2 runs", lambda: self._stage.deploy(2)["state"] == "running")
        commit = self._push("Quick")
        self._ends(2, "superseded")
        self._ends(3, "succeeded")
        self._claim("the newer commit is deployed", self._stage.marker(3) == commit)
        self._claim("the slow one never finished", not self._stage.marker(2))
        self._clean()

    def _burst(self) -> None:
        self._title(f"{BURST} pushes in a row")
        commits = [self._stage.commit(f"Burst {n + 1}", "sleep 2") for n in range(BURST)]
        asked, last = time.monotonic(), commits[-1]
        for commit in commits:
            self._stage.push(commit)
        self._line(f"{BURST} pushes in {time.monotonic() - asked:.1f} s, the last is {last[:8]}")
        self._wait("the last commit is deployed", lambda: self._is_deployed(last))
        number = self._newest()
        self._claim("the last commit was deployed last", self._stage.marker(number) == last)
        finished = [n for n in range(4, number + 1) if self._stage.marker(n)]
        self._line(f"{BURST} pushes began {number - 3} deploys and finished {len(finished)}")
        self._claim("fewer deploys began than pushes came", number - 3 < BURST)
        self._clean()

    def _failing(self) -> None:
        self._title("A deploy that fails is kept for debugging")
        self._push("Broken", "echo 'no such database: shop' >&2; exit 3")
        number = self._newest()
        self._ends(number, "failed")
        deploy = self._stage.deploy(number)
        self._line(f"why: {deploy['why']}", "yellow")
        for line in deploy["log_tail"].strip().splitlines():
            self._line(f"     | {line}", "yellow")
        self._claim("its exit code is kept", deploy["exit_code"] == 3)
        self._claim("the end of its log is kept", "no such database" in deploy["log_tail"])
        self._claim("its Job is still there", self._stage.jobs() == [f"shop-{number}"])

    def _fixed(self) -> None:
        self._title("Its fix succeeds and clears it away")
        commit = self._push("Fixed")
        number = self._newest()
        self._ends(number, "succeeded")
        self._claim("the fix is deployed", self._stage.marker(number) == commit)
        self._clean()

    def _redeployed(self) -> None:
        self._title("Somebody asks for it once more")
        before = self._stage.marker(self._newest())
        body = {"reason": "to see it run", "by": "ann"}
        self._stage.api.post("/api/v1/targets/shop/redeploy", json=body).raise_for_status()
        number = self._newest()
        self._ends(number, "succeeded")
        self._claim("the same commit ran again", self._stage.marker(number) == before)
        self._clean()

    def _last(self) -> None:
        self._title("And all the while")
        observer = self._observer
        self._claim("the witness saw all of it", not observer.trouble)
        self._claim(
            f"{len(observer.runs)} Pods ran, never two at once",
            not observer.overlaps and observer.most_at_once == 1,
        )
        numbers = [run.number for run in sorted(observer.runs.values(), key=lambda r: r.began)]
        self._claim("they ran in the order of their pushes", numbers == sorted(numbers))
        seconds = time.monotonic() - self._began
        self._console.print(f"\n[green bold]{self._claims} claims hold, in {seconds:.0f} s.[/]")

    # What chapters are made of

    def _push(self, message: str, what: str = "sleep 0.3") -> str:
        commit = self._stage.commit(message, what)
        said = self._stage.push(commit)
        self._line(f"git push  {commit[:8]} {message}", "bold")
        for line in said.splitlines():
            self._line(f"          {line}", "dim")
        return commit

    def _newest(self) -> int:
        return int(self._stage.deploys()[0]["number"])

    def _ends(self, number: int, state: str) -> None:
        over = ("succeeded", "failed", "superseded", "cancelled", "lost")
        ended = self._wait(
            f"shop/{number} ends",
            lambda: (found := self._stage.deploy(number)["state"]) in over and found,
        )
        self._claim(f"shop/{number} {state}", ended == state)

    def _is_deployed(self, commit: str) -> bool:
        newest = self._stage.deploys()[0]
        return bool(newest["commit"] == commit and newest["state"] == "succeeded")

    def _clean(self) -> None:
        empty = "no Job and no Pod is left"
        gone = self._wait(empty, lambda: not self._stage.jobs() and not self._stage.pods())
        self._claim(empty, gone is True)

    def _wait(self, what: str, look: Callable[[], object]) -> object:
        return self._stage.until(what, look)

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
    """Tells the story in a temporary directory, or in `keep`, which stays. Returns the exit code."""
    console = Console(highlight=False, soft_wrap=True)
    folder = keep or Path(tempfile.mkdtemp(prefix="git-dispatcher-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    story = Story(console)
    try:
        play(folder, story.tell)
    except (DispatcherError, httpx.HTTPError) as error:
        console.print(f"\nThis does not hold: {error}", style="red bold", markup=False)
        console.print(f"The log of all parts: {folder / 'log.txt'}", markup=False)
        return 1
    if not keep:
        shutil.rmtree(folder)
    return 0
