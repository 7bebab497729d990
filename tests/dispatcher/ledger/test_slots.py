"""How many may run at once: what runs counts, and who has waited longest is next."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.ledger import Keys, NoPlace, Places, Publisher, Retention, Store, Targets, connect
from tests.waiting import eventually

NAMESPACES = {"a": "x", "b": "x", "c": "y", "d": "y", "e": "z"}


def give_back(store: Store, target: str) -> None:
    """As a worker does that lets a target go of which nothing runs."""
    seen = Targets(store).acquire(target, "t")
    Targets(store).record(seen, "t", release=True)  # type: ignore[arg-type]


def test_without_a_limit_everybody_has_a_place(store: Store) -> None:
    places = Places(store)

    assert [places.ask(target, "ns", 0) for target in "abc"] == [None] * 3
    assert Targets(store).acquire("a", "t").limited is False  # type: ignore[union-attr]


def test_who_asks_when_all_places_are_taken_is_told_why_and_called_when_one_is_free(
    store: Store,
) -> None:
    Publisher(store).limit({"": 1})
    places = Places(store)
    assert places.ask("a", "ns", 10) is None

    later, sooner = places.ask("b", "ns", 30), places.ask("c", "ns", 20)

    assert later == NoPlace("*", 1, 0)
    assert str(sooner) == "waits for a place: 1 deploy may run at once"
    assert str(places.ask("b", "ns", 30)).endswith("; 1 before it in line")
    assert places.call() == []
    give_back(store, "a")
    assert places.call() == ["c"]
    assert places.call() == []  # it was told
    assert places.ask("b", "ns", 30) == NoPlace("*", 1, 1)  # the place is kept for it
    assert places.ask("c", "ns", 20) is None


def test_a_full_namespace_holds_up_no_other(store: Store) -> None:
    Publisher(store).limit({"": 3, "narrow": 1})
    places = Places(store)
    assert places.ask("a", "narrow", 1) is None

    refused = places.ask("b", "narrow", 2)

    assert str(refused) == "waits for a place: 1 deploy may run at once in namespace narrow"
    assert places.ask("c", "wide", 3) is None
    assert places.ask("d", "wide", 4) is None
    assert places.ask("e", "wide", 5) == NoPlace("*", 3, 1)


def test_a_place_that_nobody_comes_for_goes_to_the_next(keys: Keys, redis_url: str) -> None:
    with connect(redis_url) as client:
        store = Store(client, keys, Retention(called=50))
        Publisher(store).limit({"": 1})
        places = Places(store)
        places.ask("a", "ns", 1)
        places.ask("gone", "ns", 2)
        places.ask("b", "ns", 3)
        give_back(store, "a")

        assert places.call() == ["gone"]

        assert eventually(lambda: places.call() == ["b"])
        assert places.ask("b", "ns", 3) is None
        assert places.ask("gone", "ns", 2) == NoPlace("*", 1, 0)


def test_a_limit_that_is_lifted_lets_everybody_in(store: Store) -> None:
    Publisher(store).limit({"": 1})
    places = Places(store)
    for since, target in enumerate("abc"):
        places.ask(target, "ns", since)

    Publisher(store).limit({})

    assert places.call() == ["b", "c"]


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


@settings(max_examples=60, deadline=None)
@given(limits=LIMITS, steps=STEPS)
def test_never_more_than_allowed_and_the_longest_wait_first(
    redis_url: str, limits: dict[str, int], steps: list[tuple[bool, str]]
) -> None:
    with connect(redis_url) as client:
        store = Store(client, Keys("places"))
        Publisher(store).limit(limits)
        places, model = Places(store), Model(limits)
        for since, (asks, target) in enumerate(steps):
            if asks:
                if target not in model.running:
                    model.waiting.setdefault(target, since)
                expected = target in model.running or model.may(target)
                assert (places.ask(target, NAMESPACES[target], since) is None) is expected
                if expected:
                    model.waiting.pop(target, None)
                    model.running.add(target)
            else:
                give_back(store, target)
                model.running.discard(target)
                model.waiting.pop(target, None)
        for key in client.scan_iter(match=f"{store.keys.prefix}*"):
            client.delete(key)
