"""What several tests of workers need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from dispatcher.domain.spec import Policies
from tests.model.world import World


@pytest.fixture
def policies() -> Policies:
    """Of the world's target; a module whose tests want others has a fixture of its own."""
    return Policies()


@pytest.fixture
def world(client: redis.Redis, policies: Policies) -> Iterator[World]:
    """One target, and a watcher that has listed the cluster."""
    world = World(client, policies)
    world.observe_all()
    yield world
    world.close()
