"""How many may run at once: what runs counts, and who has waited longest is next."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.ledger import Keys, NoFreeSlot, Publisher, Slots, Store, Targets, Timeouts, connect
from tests.examples import examples
from tests.waiting import eventually

NAMESPACES = {"a": "x", "b": "x", "c": "y", "d": "y", "e": "z"}


def give_back(store: Store, target: str) -> None:
    """As a worker does that lets a target go of which nothing runs."""
    seen = Targets(store).acquire(target, "t")
    Targets(store).record(seen, "t", release=True)  # type: ignore[arg-type]


def test_without_a_limit_everybody_has_a_slot(store: Store) -> None:
    slots = Slots(store)

    assert [slots.claim(target, "ns", 0) for target in "abc"] == [None] * 3
    assert Targets(store).acquire("a", "t").limited is False  # type: ignore[union-attr]


def test_who_asks_when_all_slots_are_taken_is_told_why_and_offered_one_when_one_is_free(
    store: Store,
) -> None:
    Publisher(store).limit({"": 1})
    slots = Slots(store)
    assert slots.claim("a", "ns", 10) is None

    later, sooner = slots.claim("b", "ns", 30), slots.claim("c", "ns", 20)

    assert later == NoFreeSlot("*", 1, 0)
    assert str(sooner) == "waits for a concurrency slot: 1 deploy may run at once"
    assert str(slots.claim("b", "ns", 30)).endswith("; 1 before it in line")
    assert slots.offer() == []
    give_back(store, "a")
    assert slots.offer() == ["c"]
    assert slots.offer() == []  # it was told
    assert slots.claim("b", "ns", 30) == NoFreeSlot("*", 1, 1)  # the slot is kept for it
    assert slots.claim("c", "ns", 20) is None


def test_a_full_namespace_holds_up_no_other(store: Store) -> None:
    Publisher(store).limit({"": 3, "narrow": 1})
    slots = Slots(store)
    assert slots.claim("a", "narrow", 1) is None

    refused = slots.claim("b", "narrow", 2)

    assert (
        str(refused) == "waits for a concurrency slot: 1 deploy may run at once in namespace narrow"
    )
    assert slots.claim("c", "wide", 3) is None
    assert slots.claim("d", "wide", 4) is None
    assert slots.claim("e", "wide", 5) == NoFreeSlot("*", 3, 1)


def test_a_slot_that_nobody_claims_goes_to_the_next(keys: Keys, redis_url: str) -> None:
    with connect(redis_url) as client:
        store = Store(client, keys, timeouts=Timeouts(slot_offer=50))
        Publisher(store).limit({"": 1})
        slots = Slots(store)
        slots.claim("a", "ns", 1)
        slots.claim("gone", "ns", 2)
        slots.claim("b", "ns", 3)
        give_back(store, "a")

        assert slots.offer() == ["gone"]

        assert eventually(lambda: slots.offer() == ["b"])
        assert slots.claim("b", "ns", 3) is None
        assert slots.claim("gone", "ns", 2) == NoFreeSlot("*", 1, 0)


def test_a_limit_that_is_lifted_lets_everybody_in(store: Store) -> None:
    Publisher(store).limit({"": 1})
    slots = Slots(store)
    for since, target in enumerate("abc"):
        slots.claim(target, "ns", since)

    Publisher(store).limit({})

    assert slots.offer() == ["b", "c"]


@dataclass
class Model:
    """Who runs, and who waits since when."""

    limits: dict[str, int]
    running: set[str] = field(default_factory=set)
    waiting: dict[str, int] = field(default_factory=dict)

    def may(self, target: str) -> bool:
        """Nobody who waits longer and could start is passed by."""
        running = set(self.running)
        for other in sorted(self.waiting, key=lambda name: (self.waiting[name], name)):
            fits = self._fits(other, running)
            if other == target:
                return fits
            if fits:
                running.add(other)
        return False

    def _fits(self, target: str, running: set[str]) -> bool:
        there = [name for name in running if NAMESPACES[name] == NAMESPACES[target]]
        most = self.limits.get("", 99), self.limits.get(NAMESPACES[target], 99)
        return len(running) < most[0] and len(there) < most[1]


LIMITS = st.dictionaries(st.sampled_from(["", "x", "y"]), st.integers(1, 3), min_size=1)
STEPS = st.lists(st.tuples(st.booleans(), st.sampled_from(sorted(NAMESPACES))), max_size=25)


@examples(60)
@given(limits=LIMITS, steps=STEPS)
def test_never_more_than_allowed_and_the_longest_wait_first(
    redis_url: str, limits: dict[str, int], steps: list[tuple[bool, str]]
) -> None:
    with connect(redis_url) as client:
        store = Store(client, Keys("slots"))
        Publisher(store).limit(limits)
        slots, model = Slots(store), Model(limits)
        for since, (asks, target) in enumerate(steps):
            if asks:
                if target not in model.running:
                    model.waiting.setdefault(target, since)
                expected = target in model.running or model.may(target)
                assert (slots.claim(target, NAMESPACES[target], since) is None) is expected
                if expected:
                    model.waiting.pop(target, None)
                    model.running.add(target)
            else:
                give_back(store, target)
                model.running.discard(target)
                model.waiting.pop(target, None)
        for key in client.scan_iter(match=f"{store.keys.prefix}*"):
            client.delete(key)
