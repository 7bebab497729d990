"""Who is next: hooks take turns, and within a hook repositories do."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.ledger.fair_queue import FairQueue


def line_up(*deliveries: tuple[str, str, int]) -> FairQueue[str]:
    """Each a hook, a repository, and how many pushes; the n-th push of the first delivery is "0.n"."""
    queue: FairQueue[str] = FairQueue()
    for at, (hook, repository, size) in enumerate(deliveries):
        queue.add(hook, repository, iter([f"{at}.{n}" for n in range(size)]), size)
    return queue


def taken(queue: FairQueue[str], most: int = 10_000) -> list[str]:
    parts: list[str] = []
    while len(parts) < most and (part := queue.take()):
        parts.append(part)
    return parts


def test_a_delivery_of_another_hook_does_not_wait_for_a_large_one() -> None:
    queue = line_up(("a", "x", 1000), ("b", "y", 2))

    assert taken(queue, 4) == ["0.0", "1.0", "0.1", "1.1"]


def test_a_delivery_of_another_repository_does_not_wait_either() -> None:
    queue = line_up(("a", "x", 1000), ("a", "y", 1))

    assert taken(queue, 3) == ["0.0", "1.0", "0.1"]


def test_many_repositories_of_one_hook_have_the_turns_of_one() -> None:
    queue = line_up(*(("a", f"x{n}", 5) for n in range(50)), ("b", "y", 3))

    assert [part.partition(".")[0] for part in taken(queue, 6)] == ["0", "50", "1", "50", "2", "50"]


def test_within_a_repository_the_order_of_arrival_is_kept() -> None:
    queue = line_up(("a", "x", 3), ("a", "x", 1))

    assert taken(queue) == ["0.0", "0.1", "0.2", "1.0"]


def test_what_ends_early_makes_room() -> None:
    """Nobody waits for its answer any more."""
    queue: FairQueue[str] = FairQueue()
    queue.add("a", "x", iter(["0.0"]), 1000)
    queue.add("a", "x", iter(["1.0"]), 1)

    assert taken(queue) == ["0.0", "1.0"]
    assert (queue.waiting("a"), bool(queue)) == (0, False)


def test_room_is_shared_by_the_hooks_that_wait() -> None:
    queue = line_up(("a", "x", 1))

    assert (queue.share("a", 100), queue.share("b", 100)) == (100, 50)


SIZES = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(1, 20)), max_size=10
)


@given(SIZES)
def test_everything_is_taken_once_and_each_repository_s_in_order(
    deliveries: list[tuple[str, str, int]],
) -> None:
    parts = taken(line_up(*deliveries))

    for sender in {each[:2] for each in deliveries}:
        own = [at for at, each in enumerate(deliveries) if each[:2] == sender]
        expected = [f"{at}.{n}" for at in own for n in range(deliveries[at][2])]
        assert [part for part in parts if int(part.partition(".")[0]) in own] == expected


@given(SIZES)
def test_nobody_waits_for_more_than_one_push_of_each_other_hook(
    deliveries: list[tuple[str, str, int]],
) -> None:
    """From one push of a hook to its next, no other has had two."""
    hooks = [deliveries[int(p.partition(".")[0])][0] for p in taken(line_up(*deliveries))]

    for hook in set(hooks):
        turns: Iterator[str] = iter(hooks[: len(hooks) - hooks[::-1].index(hook)])
        others: list[str] = []
        for each in turns:
            others = [] if each == hook else [*others, each]
            assert len(others) == len(set(others))
