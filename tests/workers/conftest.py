"""What several tests of workers need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from tests.dispatcher.ledger.helpers import Watched


@pytest.fixture
def watched(redis_url: str) -> Iterator[Watched]:
    """A client in whose round trips a test can put something."""
    with cast(Watched, Watched.from_url(redis_url, decode_responses=True)) as client:
        yield client
