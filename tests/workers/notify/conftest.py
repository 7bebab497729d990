"""Couriers whose connections end with their test."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from io import StringIO

import pytest

from dispatcher.config import Chat, Webhook
from dispatcher.ledger import Store
from tests.workers.notify.helpers import Bench

Benches = Callable[[Webhook | Chat], Bench]


@pytest.fixture
def bench_for(store: Store) -> Iterator[Benches]:
    made: list[Bench] = []

    def make(settings: Webhook | Chat) -> Bench:
        made.append(Bench(store, settings))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What the process logs on its most talkative level."""
    text, root = StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)
