"""Questions to a snapshot that several rules ask."""

from __future__ import annotations

from collections.abc import Iterator

from dispatcher.domain.model import Deploy, JobFacts, Policies, State
from dispatcher.domain.snapshot import Snapshot


def policies_of(seen: Snapshot) -> Policies:
    return seen.spec.policies if seen.spec else Policies()


def facts_of(seen: Snapshot, deploy: Deploy) -> JobFacts | None:
    """What was seen of this deploy's own Job; another Job of its name does not count."""
    for facts in seen.jobs:
        if (facts.namespace, facts.job) == (deploy.namespace, deploy.job) and is_own(facts, deploy):
            return facts
    return None


def is_own(facts: JobFacts, deploy: Deploy) -> bool:
    if facts.reserves_name:
        return False
    return facts.uid == deploy.uid if deploy.uid else facts.token == deploy.token


def is_given_up(facts: JobFacts, deploy: Deploy) -> bool:
    """The Job is of the last attempt of a deploy that waits to be tried again: see `deploys.put_back`."""
    put_back = deploy.state is State.PENDING and deploy.troubles > 0 and not deploy.token
    same = (facts.namespace, facts.job) == (deploy.namespace, deploy.job)
    return put_back and same and not facts.reserves_name


def field(facts: JobFacts) -> str:
    return f"{facts.namespace}/{facts.job}"


def waiting_deploys(seen: Snapshot) -> list[Deploy]:
    return [deploy for deploy in seen.deploys if deploy.state is State.PENDING]


def finished(seen: Snapshot) -> Iterator[tuple[Deploy, JobFacts]]:
    for deploy in seen.deploys:
        facts = facts_of(seen, deploy) if deploy.terminal else None
        if facts:
            yield deploy, facts
