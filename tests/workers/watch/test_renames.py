"""How the leading watcher carries targets over before it publishes."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace
from structlog.testing import capture_logs

from dispatcher.domain.deploy import State
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.snapshot import Snapshot
from dispatcher.domain.spec import Policies, Spec
from dispatcher.ledger import Observations, Publisher, Renaming, Store, Targets
from tests.dispatcher.ledger.helpers import push, submit
from workers.watch.renames import Renames

FACTS = ObservedJob(namespace="ns", job="shop-1", uid="u", number=1, token="t")


@dataclass(frozen=True)
class Target:
    name: str
    renamed_from: str = ""


def spec(target: str) -> Spec:
    return Spec(
        target=target,
        repository="r",
        namespace="ns",
        policies=Policies(),
        manifest={},
        digest="d",
    )


class Watching:
    """The part of a watcher that matters here."""

    def __init__(self, store: Store) -> None:
        self.store, self.publisher = store, Publisher(store)
        self.renames = Renames(store)

    def publish(self, *targets: Target) -> list[str]:
        """Whom to wake."""
        specs = [spec(target.name) for target in targets]
        specs, woken = self.renames.carry_over({t.name: t for t in targets}, specs)
        if not self.renames.is_due:
            woken += self.publisher.publish(specs)
        return [wake_up.target for wake_up in woken]

    def published(self) -> dict[str, tuple[str, ...]]:
        """Target -> the names that it had, without those that were removed."""
        found = self.publisher.published().values()
        return {each.target: each.former for each in found if not each.removed_at}


SHOP, WEB_SHOP = Target("shop"), Target("web-shop", "shop")


def test_it_is_renamed_and_published_at_once_and_woken_after_that(store: Store) -> None:
    watching = Watching(store)
    watching.publish(SHOP, Target("docs"))
    submit(store, push("0", "a"))

    assert watching.publish(WEB_SHOP, Target("docs")) == ["web-shop"]

    assert watching.published() == {"web-shop": ("shop",), "docs": ()}
    assert watching.publisher.published().keys() == {"web-shop", "docs"}
    assert watching.renames.by_present_name([("shop", FACTS)]) == [("web-shop", FACTS)]
    assert watching.publish(WEB_SHOP, Target("docs")) == []


def test_nothing_is_published_while_a_worker_is_at_it(store: Store) -> None:
    watching = Watching(store)
    watching.publish(SHOP)
    submit(store, push("0", "a"))
    seen = Targets(store).acquire("shop", "a-worker")
    assert isinstance(seen, Snapshot)

    assert watching.publish(WEB_SHOP, Target("docs")) == []
    assert watching.renames.is_due
    assert watching.published() == {"shop": ()}
    assert watching.renames.by_present_name([("shop", FACTS)]) == [("shop", FACTS)]

    Targets(store).record(seen, "a-worker", release=True)
    watching.publish(WEB_SHOP, Target("docs"))
    assert not watching.renames.is_due
    assert watching.published() == {"web-shop": ("shop",), "docs": ()}


def test_what_comes_under_the_old_name_is_found_by_a_look(store: Store) -> None:
    watching = Watching(store)
    watching.publish(SHOP)
    watching.publish(WEB_SHOP)
    watching.renames.look()
    assert not watching.renames.is_due

    Observations(store).observe([("shop", FACTS)])
    watching.renames.look()
    assert watching.renames.is_due
    assert watching.publish(WEB_SHOP) == ["web-shop"]

    assert [target for target, _ in Observations(store).known_jobs()] == ["web-shop"]


def test_jobs_with_the_old_label_are_its_own_also_where_the_ledger_was_emptied(
    store: Store,
) -> None:
    watching = Watching(store)

    watching.publish(WEB_SHOP)

    assert watching.renames.by_present_name([("shop", FACTS)]) == [("web-shop", FACTS)]
    assert watching.published() == {"web-shop": ("shop",)}


def test_the_line_can_go_and_the_labels_are_still_understood(store: Store) -> None:
    watching = Watching(store)
    watching.publish(SHOP)
    watching.publish(WEB_SHOP)

    later = Watching(store)
    later.publish(Target("web-shop"))

    assert later.renames.by_present_name([("shop", FACTS)]) == [("web-shop", FACTS)]
    assert later.published() == {"web-shop": ("shop",)}


def test_another_target_can_have_the_old_name_then(store: Store) -> None:
    watching = Watching(store)
    watching.publish(SHOP)
    watching.publish(WEB_SHOP)

    watching.publish(Target("web-shop"), SHOP)

    assert watching.renames.by_present_name([("shop", FACTS)]) == [("shop", FACTS)]
    assert watching.published() == {"web-shop": (), "shop": ()}
    assert Renaming(store).names() == {}


def test_a_change_that_is_taken_back_gives_everything_back(store: Store) -> None:
    watching = Watching(store)
    watching.publish(SHOP)
    submit(store, push("0", "a"))
    watching.publish(WEB_SHOP)

    assert watching.publish(SHOP) == ["shop"]

    assert watching.published() == {"shop": ("web-shop",)}
    assert watching.renames.by_present_name([("web-shop", FACTS)]) == [("shop", FACTS)]
    assert submit(store, push("a", "b")).deploy == "shop/1"


def test_a_name_with_a_history_of_its_own_is_left_alone_and_that_is_said_once(
    store: Store,
) -> None:
    watching = Watching(store)
    watching.publish(SHOP, Target("web-shop"))
    submit(store, push("0", "x"), target="web-shop")
    seen = Targets(store).acquire("web-shop", "a-worker")
    assert isinstance(seen, Snapshot)
    started = replace(seen.deploys[0], state=State.STARTING, attempt=1)
    Targets(store).record(seen, "a-worker", deploys=[started], release=True)

    with capture_logs() as logs:
        watching.publish(WEB_SHOP)
        watching.publish(WEB_SHOP)
        watching.renames.look()

    assert [line["event"] for line in logs] == ["target not renamed"]
    assert not watching.renames.is_due
    assert watching.renames.by_present_name([("shop", FACTS)]) == [("shop", FACTS)]
    assert watching.published() == {"web-shop": ()}
