"""A worker without a cluster: it starts and ends deploys in the ledger."""

from __future__ import annotations

from dataclasses import replace as with_fields

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.snapshot import Snapshot
from dispatcher.domain.spec import Policies, Spec
from dispatcher.ledger import Store, Targets
from dispatcher.ledger.publishing import spec_json
from workers.plan.changed_deploy import attempted, ended
from workers.plan.lookup import waiting_deploys
from workers.plan.next_deploy import supersede_waiting
from workers.plan.steps import Change

WORKER = "worker"


class FakeWorker:
    """Records the deploys of one target, one at a time."""

    def __init__(self, store: Store, target: str, policies: Policies) -> None:
        self._store, self._target = store, target
        self.started: list[Deploy] = []
        """As they were when they were started."""
        spec = Spec(
            target=target,
            repository="https://git.example.com/acme/shop",
            namespace="ns",
            policies=policies,
            manifest={},
            digest="d",
        )
        store.client.hset(store.keys.specs, target, spec_json(spec))

    def step(self, ends: State | None, starts: bool) -> bool:
        """Ends the running deploy in that state; then starts the one that has waited longest. Whether
        anything has changed."""
        seen = read = self._read()
        active = next((deploy for deploy in seen.deploys if deploy.active), None)
        if active and ends and (ends is not State.SUPERSEDED or _has_newer(seen, active)):
            seen = _with(seen, ended(active, ends, seen.now, str(ends)))
            active = None
        if starts and not active:
            seen = self._start_next(seen)
        changed = [deploy for deploy in seen.deploys if deploy not in read.deploys]
        Targets(self._store).record(read, WORKER, deploys=changed, release=True)
        return bool(changed)

    def _start_next(self, seen: Snapshot) -> Snapshot:
        while isinstance(step := supersede_waiting(seen), Change):
            seen = _with(seen, *step.deploys)
        for deploy in waiting_deploys(seen)[:1]:
            starting = attempted(deploy, f"token-{len(self.started)}", "ns")
            self.started.append(starting)
            seen = _with(seen, starting)
        return seen

    def _read(self) -> Snapshot:
        seen = Targets(self._store).acquire(self._target, WORKER)
        assert isinstance(seen, Snapshot)
        return seen


def _has_newer(seen: Snapshot, active: Deploy) -> bool:
    return any(deploy.stream == active.stream for deploy in waiting_deploys(seen))


def _with(seen: Snapshot, *changed: Deploy) -> Snapshot:
    by_number = {deploy.number: deploy for deploy in (*seen.deploys, *changed)}
    return with_fields(seen, deploys=tuple(by_number.values()))
