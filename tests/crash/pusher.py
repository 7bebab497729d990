"""Drives one target of a crash run: pushes to it as a Git host with retries, and uses
the API as an operator."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from dispatcher.domain.errors import LedgerUnavailable
from tests.crash.branches import Branch, Sent, now
from tests.crash.run_log import read_lines
from tests.crash.target_kinds import TargetKind
from tests.system.installation import Target, sha

T = TypeVar("T")
INSIST_SECONDS = 120.0
"""Seconds for which a request is repeated: no fault lasts that long."""
BACK_AT_MOST = 4
"""Pushes by which a branch is forced back."""


class Pusher(threading.Thread):
    """Everything that one target is told, and what was answered. All choices come from the seed."""

    def __init__(self, target: Target, kind: TargetKind, seed: int, pace: float) -> None:
        super().__init__(daemon=True, name=f"pusher-{target.name}")
        self.target, self.kind = target, kind
        self.branches = [Branch(ref) for ref in kind.refs]
        self.cancelled: set[int] = set()
        self.holds: list[tuple[float, float]] = []
        """From when to when nothing of the target might start."""
        self.starts: dict[tuple[int, int], tuple[float, str, str]] = {}
        """Deploy and attempt → when it was decided to start it, its ref and its commit."""
        self.wrong: list[str] = []
        self._random, self._pace = random.Random(seed), pace * kind.pace
        self._ended = threading.Event()
        self._made = 0
        self._newest = 0
        """The newest number of a deploy that an answer named."""

    @property
    def pushes(self) -> int:
        """Those that were answered with 2xx."""
        return sum(len(branch.pushes) for branch in self.branches)

    def run(self) -> None:
        try:
            self._deliver(*self._commit(self.branches[0]))
            while not self._ended.wait(self._random.uniform(0, 2 * self._pace)):
                self._do_something()
                self.note_starts()
        except Exception as error:  # noqa: BLE001  # it belongs into the verdict, not into a thread's end
            self.wrong.append(f"it was not answered as it should be: {error!r}")

    def stop(self) -> None:
        self._ended.set()

    def note_starts(self) -> None:
        """The ledger keeps a bounded history, so it is read now and then."""
        try:
            deploys = self.target.deploys()
        except LedgerUnavailable:
            return
        for deploy in deploys:
            if deploy.attempt and deploy.state != "pending":
                start = float(deploy.starting_at), deploy.ref, deploy.commit
                self.starts.setdefault((deploy.number, deploy.attempt), start)

    def story(self) -> str:
        """What was pushed, what was answered, and what ran, for people."""
        pushes = [f"{branch.ref}: {push}" for branch in self.branches for push in branch.pushes]
        lines = map(repr, read_lines(self.target.system.markers, self.target.name))
        starts = [f"started: {key} {start}" for key, start in sorted(self.starts.items())]
        return "\n".join([self.target.name, *pushes[-60:], *starts[-30:], *list(lines)[-60:]])

    # What may happen

    def _do_something(self) -> None:
        chances: dict[Callable[[Branch], None], int] = {
            self._push: 60,
            self._reorder: 10,
            self._repeat: 10,
            self._go_back: 6,
            self._redeploy: 5,
            self._cancel: 5,
            self._hold: 4,
        }
        (what,) = self._random.choices(list(chances), list(chances.values()))
        what(self._random.choice(self.branches))

    def _push(self, branch: Branch) -> None:
        self._deliver(*self._commit(branch))

    def _reorder(self, branch: Branch) -> None:
        """Two deliveries overtake each other."""
        first, second = self._commit(branch), self._commit(branch)
        self._deliver(*second)
        self._deliver(*first)

    def _repeat(self, branch: Branch) -> None:
        """The host delivers a second time what it has delivered, now or some time ago."""
        if not branch.pushes:
            return
        push = self._random.choice(branch.pushes[-3:])
        result = self._sent(branch, push)
        if (result["outcome"], result.get("deploy", "")) == (push.outcome, push.deploy):
            return
        if "delivered again" not in result["reason"]:
            self.wrong.append(f"{push} was repeated, and the answer was {result}")
        push.outcome, push.deploy = result["outcome"], result.get("deploy", "")

    def _go_back(self, branch: Branch) -> None:
        """Somebody forces the branch back to an earlier commit."""
        earlier = {push.after for push in branch.pushes[-BACK_AT_MOST:]} - {branch.head}
        if earlier:
            commit = self._random.choice(sorted(earlier))
            self._deliver(branch, self._move(branch, commit))

    def _redeploy(self, _: Branch) -> None:
        self._order("redeploy")

    def _cancel(self, _: Branch) -> None:
        if self._newest:
            self.cancelled.add(self._newest)
            self._order(f"deploys/{self._newest}/cancel")

    def _hold(self, branch: Branch) -> None:
        self._order("pause")
        begun = now()
        for _ in range(self._random.randint(0, 2)):
            self._push(branch)
        self._ended.wait(self._random.uniform(0, 2))
        self.holds.append((begun, now()))
        self._order("resume")

    # How it is said

    def _commit(self, branch: Branch) -> tuple[Branch, Sent]:
        return branch, self._move(branch, sha(f"{self.target.name}-{self._made}"))

    def _move(self, branch: Branch, commit: str) -> Sent:
        self._made += 1
        return branch.move(commit, f"d{self._made}", dated=self.kind.dated)

    def _deliver(self, branch: Branch, push: Sent) -> None:
        push.sent = now()
        result = self._sent(branch, push)
        push.answered = now()
        push.outcome, push.deploy = result["outcome"], result.get("deploy", "")

    def _sent(self, branch: Branch, push: Sent) -> dict[str, Any]:
        answer = self._insist(
            lambda: self.target.deliver(
                branch.ref, push.before, push.after, delivery=push.delivery, at=push.pushed_at
            )
        )
        (result,) = answer["results"]
        found: dict[str, Any] = result
        if number := found.get("deploy", "").rpartition("/")[2]:
            self._newest = max(self._newest, int(number))
        return found

    def _order(self, path: str) -> None:
        """Tells the API; that it is too late, or that there is nothing to do, are answers as well."""
        self._made += 1
        system, key = self.target.system, f"{self.target.name}-{self._made}"
        headers = {"Authorization": f"Bearer {system.local.token}", "Idempotency-Key": key}

        def ask() -> None:
            url = f"/api/v1/targets/{self.target.name}/{path}"
            answer = system.web.post(url, json={"by": "ann"}, headers=headers)
            if answer.status_code not in (httpx.codes.CONFLICT, httpx.codes.NOT_FOUND):
                answer.raise_for_status()

        self._insist(ask)

    def _insist(self, ask: Callable[[], T]) -> T:
        """Asks until there is an answer."""
        deadline = time.monotonic() + INSIST_SECONDS
        while True:
            try:
                return ask()
            except httpx.HTTPStatusError as error:
                if not error.response.is_server_error or time.monotonic() > deadline:
                    raise
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)
