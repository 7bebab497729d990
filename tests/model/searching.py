"""How long the models are searched for a broken promise."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

EXAMPLES = int(os.environ.get("PROMISES_EXAMPLES", "100"))
"""Set it to thousands for a night's search."""
SHRINK = os.environ.get("PROMISES_SHRINK", "yes") == "yes"
"""Whether to look for the shortest way to what was found; who only counts does not need it."""


def searching(examples: int = EXAMPLES, **more: Any) -> settings:
    phases = tuple(Phase) if SHRINK else (Phase.explicit, Phase.generate)
    healthy = list(HealthCheck)
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=healthy, phases=phases, **more
    )


def search(machine: type[RuleBasedStateMachine], steps: int, examples: int = EXAMPLES) -> None:
    """Raises what the machine has found, with the shortest way there."""
    run_state_machine_as_test(machine, settings=searching(examples, stateful_step_count=steps))
