"""Whatever was pushed, and however much: after the windows the ledger is as large as if nothing was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from dispatcher.domain.push import Push
from dispatcher.ledger import Retention, Store
from dispatcher.ledger.retention import Happened
from tests.dispatcher.ledger.helpers import a_submission, push

MANY, FEW = 120, 12
NODE = 100
"""Entries that Redis keeps together, and drops together: stream-node-max-entries."""
SLACK = 200
"""Bytes: numbers that are longer, the deliveries that a deploy names."""


@dataclass(frozen=True)
class Size:
    keys: frozenset[str]
    fields: int
    bytes: int


def size(store: Store) -> Size:
    """Of all that has no end of its own, and of the target's chains, which each push keeps for longer."""
    client: Any = store.client
    keys, fields, length = set(), 0, 0
    for key in client.scan_iter(match=f"{store.keys.prefix}*", count=5_000):
        if client.pttl(key) >= 0 and not {"chain", "ages", "times"} & set(key.split(":")):
            continue
        keys.add(key)
        if client.type(key) == "stream":
            assert client.xlen(key) <= store.retention.happened.events + NODE
            continue
        content = (
            dict(client.zrange(key, 0, -1, withscores=True))
            if client.type(key) == "zset"
            else client.hgetall(key)
        )
        fields += len(content)
        length += sum(len(str(name)) + len(str(value)) for name, value in content.items())
    return Size(frozenset(keys), fields, length)


def pass_windows(store: Store) -> None:
    """Longer than any of them: all that has a time is that much older."""
    client: Any = store.client
    for key in client.scan_iter(match=f"{store.keys.prefix}ages:*", count=5_000):
        for member, score in client.zrange(key, 0, -1, withscores=True):
            client.zadd(key, {member: score - store.retention.edges - 1})


def hand_in(store: Store, pushes: list[Push], **more: Any) -> None:
    submissions = [a_submission(p, **more) for p in pushes]
    again = submissions if "delivery" in more else []
    store.scripts.run_many([each.call(store) for each in (*submissions, *again)])


def tag(number: int, *, before: str = "0", at: int = 0) -> Push:
    return push(before, f"t{number}", ref=f"refs/tags/v{number}", at=at and at + number)


HISTORIES: dict[str, Callable[[int, int], list[Push]]] = {
    "tags": lambda count, now: [tag(n) for n in range(count)],
    "tags without before": lambda count, now: [tag(n, before="") for n in range(count)],
    "dated tags": lambda count, now: [tag(n, at=now - 10_000) for n in range(count)],
    "deleted tags": lambda count, now: [
        each for n in range(count) for each in (tag(n), push(f"t{n}", "0", ref=f"refs/tags/v{n}"))
    ],
    "moved tags": lambda count, now: [
        push(f"t{n}", f"t{n + 1}", ref=f"refs/tags/v{n % 7}") for n in range(count)
    ],
    "a branch": lambda count, now: [push(f"c{n}", f"c{n + 1}") for n in range(count)],
    "a branch without before": lambda count, now: [push("", f"c{n}") for n in range(count)],
    "a branch with gaps": lambda count, now: [push(f"x{n}", f"c{n}") for n in range(count)],
}
KINDS: dict[str, dict[str, Any]] = {
    "wanted": {},
    "filtered": {"filtered": "[skip ci]"},
    "by paths": {"filtered": "no file", "by_paths": True},
    "redelivered": {"delivery": "one"},
    "where each is deployed": {"every": 3},
}


def later(ref: str) -> list[Push]:
    """As many as it takes to forget the others: each forgets some of them."""
    return [push("", f"last {number}", ref=ref) for number in range(3 * MANY // 50 + 1)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("history", HISTORIES)
def test_after_its_windows_a_ledger_is_as_large_as_one_that_saw_little(
    store: Store, history: str, kind: str
) -> None:
    """The stream goes on, so that nothing of it expires as a whole."""
    store.retention = Retention(refs=5, deliveries=3, happened=Happened(events=10, lines=5))
    hand_in(store, HISTORIES[history](MANY, store.now()), **KINDS[kind])
    pass_windows(store)
    last = later("refs/tags/last" if "tag" in history else "refs/heads/main")
    hand_in(store, last)
    seen_many = size(store)
    store.client.delete(*store.client.scan_iter(match=f"{store.keys.prefix}*", count=5_000))

    hand_in(store, HISTORIES[history](FEW, store.now()), **KINDS[kind])
    pass_windows(store)
    hand_in(store, last)
    seen_few = size(store)

    assert {key for key in seen_many.keys if key not in seen_few.keys} == set()
    assert seen_many.fields <= seen_few.fields + 1
    assert seen_many.bytes <= seen_few.bytes + SLACK


NOTED = {"timelines:shop", "events", "counts", "deploy-index"}


def test_streams_that_nobody_pushes_to_expire_as_a_whole(store: Store) -> None:
    branches = [f"refs/heads/b{n}" for n in range(20)]
    hand_in(store, [push("0", "a", ref=ref, at=store.now()) for ref in branches])
    hand_in(store, [push("a", "0", ref=ref) for ref in branches])

    kept = {
        key.removeprefix(store.keys.prefix)
        for key in store.client.scan_iter(match=f"{store.keys.prefix}*", count=5_000)
        if store.client.pttl(key) < 0
    }

    assert kept == {"row:shop", "deploys:shop", "open:shop", "due", *NOTED}


def test_of_times_the_newest_are_kept(store: Store) -> None:
    store.retention = Retention(refs=5)
    hand_in(store, [tag(n, at=1_000) for n in range(50)])

    kept = store.client.zrange(store.keys.times("shop"), 0, -1)

    assert kept == [f"refs/tags/v{n}" for n in range(45, 50)]
    assert store.client.pttl(store.keys.times("shop")) > 0
