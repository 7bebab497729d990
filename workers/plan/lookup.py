"""What several rules look up in a snapshot."""

from __future__ import annotations

from collections.abc import Iterator

from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.snapshot import Snapshot
from dispatcher.domain.spec import Policies


def policies_of(seen: Snapshot) -> Policies:
    return seen.spec.policies if seen.spec else Policies()


def own_job(seen: Snapshot, deploy: Deploy) -> ObservedJob | None:
    """The observed state of this deploy's own Job; another Job that has its name does not count."""
    for observed in seen.jobs:
        if (observed.namespace, observed.job) == (deploy.namespace, deploy.job) and is_own(
            observed, deploy
        ):
            return observed
    return None


def is_own(observed: ObservedJob, deploy: Deploy) -> bool:
    if observed.reserves_name:
        return False
    return observed.uid == deploy.uid if deploy.uid else observed.token == deploy.token


def is_given_up(observed: ObservedJob, deploy: Deploy) -> bool:
    """The Job belongs to the last attempt of a deploy that waits for the next: `changed_deploy.requeued`."""
    waits = deploy.state is State.PENDING and deploy.troubles > 0 and not deploy.token
    same = (observed.namespace, observed.job) == (deploy.namespace, deploy.job)
    return waits and same and not observed.reserves_name


def waiting_deploys(seen: Snapshot) -> list[Deploy]:
    return [deploy for deploy in seen.deploys if deploy.state is State.PENDING]


def finished(seen: Snapshot) -> Iterator[tuple[Deploy, ObservedJob]]:
    for deploy in seen.deploys:
        observed = own_job(seen, deploy) if deploy.terminal else None
        if observed:
            yield deploy, observed
