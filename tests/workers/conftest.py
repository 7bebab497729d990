"""What several tests of workers need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
import redis

from dispatcher.model import Policies
from tests.dispatcher.ledger.helpers import Watched
from tests.workers.harness import World


@pytest.fixture
def watched(redis_url: str) -> Iterator[Watched]:
    """A client in whose round trips a test can put something."""
    with cast(Watched, Watched.from_url(redis_url, decode_responses=True)) as client:
        yield client


@pytest.fixture
def policies() -> Policies:
    """Of the world's target; a module whose tests want others has a fixture of its own."""
    return Policies()


@pytest.fixture
def world(client: redis.Redis, policies: Policies) -> Iterator[World]:
    """One target, and a watcher that has listed the cluster."""
    world = World(client, policies)
    world.look_at_all()
    yield world
    world.close()
