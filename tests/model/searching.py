"""How long the models are searched for a broken promise."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.examples import examples


def searching(count: int, steps: int = 50) -> settings:
    return examples(count, suppress_health_check=list(HealthCheck), stateful_step_count=steps)


def search(machine: type[RuleBasedStateMachine], steps: int, count: int) -> None:
    """Raises what the machine has found, with the shortest way there."""
    run_state_machine_as_test(machine, settings=searching(count, steps))
