"""How long the phases of a deploy took, by what is recorded of it. It changes nothing but the histogram.

Times are Redis' clock, from one record of the deploy: no two clocks are compared.
"""

from __future__ import annotations

from collections.abc import Iterator

from dispatcher.domain.deploy import Deploy, State
from dispatcher.metrics.registry import Registry


class PhaseMetrics:
    """Called where a change of state was recorded."""

    def __init__(self, registry: Registry) -> None:
        self._phases = registry.histogram("deploy_phase_duration_seconds")

    def recorded(self, deploy: Deploy, was: State | None) -> None:
        for phase, milliseconds in phases(deploy, was):
            self._phases.labels(phase, deploy.namespace).observe(max(0, milliseconds) / 1000)

    def cleaned(self, namespace: str, milliseconds: int) -> None:
        self._phases.labels("cleaning", namespace).observe(max(0, milliseconds) / 1000)


def phases(deploy: Deploy, was: State | None) -> Iterator[tuple[str, int]]:
    """The phases that ended when the deploy came to its state, with milliseconds."""
    if deploy.state is State.STARTING and deploy.attempt == 1:
        yield "waiting", deploy.starting_at - deploy.wanted_at
    if was is not State.RUNNING and was is not State.STOPPING and _runs_or_ran(deploy):
        yield "starting", deploy.started_at - deploy.starting_at
    if deploy.terminal and deploy.started_at:
        yield "running", deploy.ended_at - deploy.started_at


def _runs_or_ran(deploy: Deploy) -> bool:
    """A start that nobody saw has the time of the request: that says nothing of how long it took."""
    seen = deploy.started_at > deploy.starting_at
    return seen and (deploy.state is State.RUNNING or deploy.terminal)
