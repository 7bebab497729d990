"""A Job to look at."""

from __future__ import annotations

from typing import Any

from dispatcher.config import Target
from dispatcher.domain.deploy import Deploy, State
from workers.manifest.job import job_for, render


def job_of(target: Target) -> dict[str, Any]:
    """The Job that the target's first deploy becomes."""
    deploy = Deploy(
        target=target.name,
        number=1,
        state=State.STARTING,
        stream="refs/heads/main",
        ref="refs/heads/main",
        commit="1" * 40,
    )
    return job_for(render(target, "default"), deploy, "default")
