"""How an input is changed: by the fuzzer's own means, and where it holds JSON, by its values."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any

Fallback = Callable[[bytes, int], bytes]

VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**63, -(2**63) - 1, 10**30, 1.5, 1e300, 1763805300, 1763805300000),
    *("", " ", "\x00", "\ud800", "\u202e", "é" * 300, "x" * 5000, "0" * 40, "0" * 64, "a1" * 20),
    *("refs/heads/main", "refs/tags/v1", "refs/heads/", "refs/heads/a..b", "refs/notes/x", "main"),
    *("https://github.com/acme/shop", "git@x:y", "https://[::1]:99999/%ff", "file:///srv/git/x"),
    *("2025-11-22T10:55:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "{}"),
    *([], {}, [[]], [None], {"": {}}, [{}] * 1001),
)


def mutated(data: bytes, largest: int, seed: int, fallback: Fallback) -> bytes:
    """Of an input that ends with JSON, every other time a value is replaced, left out or doubled."""
    chance = random.Random(seed)
    head, separator, body = data.rpartition(b"\n\n")
    if chance.random() < 0.5:
        return fallback(data, largest)
    try:
        tree = [json.loads(body)]
    except (ValueError, RecursionError):
        return fallback(data, largest)
    for _ in range(chance.choice((1, 1, 2, 4))):
        _change(tree, chance)
    made = head + separator + json.dumps(tree[0] if tree else None).encode()
    return made if len(made) <= largest else fallback(data, largest)


def _change(tree: list[Any], chance: random.Random) -> None:
    """At one place, each as likely as any other."""
    places = list(_places(tree))
    within, key = chance.choice(places)
    match chance.randrange(5):
        case 0 if within is not tree:
            del within[key]
        case 1:
            other, name = chance.choice(places)
            within[key] = deepcopy(other[name])
        case 2 if isinstance(within, list) and within is not tree:
            within.insert(key, deepcopy(within[key]))
        case _:
            within[key] = deepcopy(chance.choice(VALUES))


def _places(tree: Any) -> list[tuple[Any, Any]]:
    found = []
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
        found.append((tree, key))
        if isinstance(tree[key], dict | list):
            found += _places(tree[key])
    return found
