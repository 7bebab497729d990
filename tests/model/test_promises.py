"""Whatever is killed, delayed, doubled or reordered: nothing is lost, nothing overlaps, the newest wins."""

from __future__ import annotations

from tests.dispatcher.ledger.helpers import Watched
from tests.model.rules.cluster import ClusterRules
from tests.model.rules.losses import Losses
from tests.model.rules.operators import Operators
from tests.model.rules.processes import Processes
from tests.model.run_model import run_model


class Promises(Processes, Operators, ClusterRules, Losses):
    """All rules together."""


def test_the_promises_hold(watched: Watched) -> None:
    Promises.client = watched
    run_model(Promises, steps=45, count=70)
