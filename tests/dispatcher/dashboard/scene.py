"""What a dashboard can show: targets in every condition, written as web and workers write them."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.snapshot import Snapshot
from dispatcher.ledger import Operations, Store, Targets
from tests.dispatcher.ledger.helpers import push, submit

HOSTILE = "<script>document.title='owned'</script>"
LOG = (
    "\x1b[1mDeploying shop\x1b[0m\n\x1b[32m✓\x1b[0m image pulled\n"
    "\x1b[31mERROR\x1b[0m cannot reach the database\n\x1b]0;owned\x07"
    f"{HOSTILE}\n\x1b[2J\x1b[31;1mdone\x1b[m\n"
)


class Scene:
    """One installation's targets, whose deploys take their course as the test says."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._commits: dict[str, str] = {}

    def lead(self) -> None:
        """A watcher leads, for as long as a test takes."""
        self.store.client.set(self.store.keys.leader, "a-watcher")

    def push(self, target: str, commit: str, *, title: str = "", ref: str = "") -> None:
        before = self._commits.get(target, "0")
        self._commits[target] = commit
        what = push(before, commit, ref=ref or "refs/heads/main")
        submit(self.store, replace(what, title=title or what.title), target=target)

    def take(self, target: str, *states: State, trouble: str = "", **facts: Any) -> None:
        """Takes the target's oldest open deploy through these states."""
        for state in states:
            self._write(target, trouble, state=state, **facts)

    def run(self, target: str, end: State = State.SUCCEEDED, **facts: Any) -> None:
        """Takes the target's open deploy to its end."""
        self.take(target, State.STARTING, attempt=1, job=f"{target}-1", namespace="default")
        self.take(target, State.RUNNING)
        self.take(target, end, **facts)

    def _write(self, target: str, trouble: str, state: State, **facts: Any) -> None:
        targets = Targets(self.store)
        seen = targets.acquire(target, "worker")
        assert isinstance(seen, Snapshot)
        deploy = min((d for d in seen.deploys if not d.terminal), key=lambda d: d.number)
        changed = replace(deploy, state=state, **{**_times(deploy, state, seen.now), **facts})
        targets.record(seen, "worker", deploys=[changed], trouble=trouble, release=True)

    def everything(self) -> None:
        """Targets in every condition."""
        self.lead()
        self.push("shop", "a", title="Add the cart")
        self.run("shop")
        self.push("shop", "b", title="Take cards as well as bank transfers")
        self.run("shop", State.FAILED, why="container main exited with 3", cause=CauseKind.SCRIPT,
                 exit_code=3, log_tail=LOG)  # fmt: skip
        self.push("lab", "c", title=HOSTILE, ref="refs/heads/main")
        self.take("lab", State.STARTING, State.RUNNING)
        self.push("bare", "d", title="Faster search")
        self.take("bare", State.STARTING, State.RUNNING, State.STOPPING)
        self.take(
            "bare", State.STOPPING, trouble="a Pod of bare/1 does not go: node worker-3 is away"
        )
        self.push("each", "e", title="Nightly build")
        self.take(
            "each", State.PENDING, trouble="waits for a slot: 4 of 4 in namespace deploys run"
        )
        Operations(self.store).pause("shop-docs", "ann", "a migration until noon")


def _times(deploy: Deploy, state: State, now: int) -> dict[str, int]:
    match state:
        case State.STARTING:
            return {"starting_at": now}
        case State.RUNNING:
            return {"started_at": deploy.started_at or now}
        case State.STOPPING:
            return {"stopping_at": deploy.stopping_at or now}
        case State.PENDING:
            return {}
    return {"started_at": deploy.started_at or now, "ended_at": now}
