"""Runs the models: Hypothesis draws steps, and searches them for a broken promise."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.examples import examples


def model_settings(count: int, steps: int = 50) -> settings:
    return examples(count, suppress_health_check=list(HealthCheck), stateful_step_count=steps)


def run_model(machine: type[RuleBasedStateMachine], steps: int, count: int) -> None:
    """Raises the first failure of the state machine, with the shortest steps that lead to it."""
    run_state_machine_as_test(machine, settings=model_settings(count, steps))
