"""What is known of a target besides its deploys: its published Spec, when it is due, its Jobs."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.spec import Spec
from dispatcher.ledger.codec import decode
from dispatcher.ledger.store import Store


@dataclass(frozen=True, kw_only=True)
class TargetFacts:
    """Of one moment."""

    spec: Spec | None
    """None until a watcher has published it."""
    due: int
    """When a worker looks at the target whatever happens (ms); 0 for never."""
    trouble: str
    succeeded: int
    """Number of the newest deploy that succeeded; 0 for none."""
    jobs: tuple[ObservedJob, ...]


def read_facts(store: Store, target: str) -> TargetFacts:
    """One round trip. Raises LedgerUnavailable."""
    keys = store.keys
    with store.redis() as client:
        pipeline = client.pipeline(transaction=False)
        pipeline.hget(keys.specs, target)
        pipeline.zscore(keys.due, target)
        pipeline.hmget(keys.row(target), "trouble", "succeeded")
        pipeline.hvals(keys.jobs(target))
        spec, due, (trouble, succeeded), jobs = pipeline.execute()
    return TargetFacts(
        spec=decode(spec, Spec) if spec else None,
        due=int(due or 0),
        trouble=trouble or "",
        succeeded=int(succeeded or 0),
        jobs=tuple(decode(raw, ObservedJob) for raw in jobs),
    )
