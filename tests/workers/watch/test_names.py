"""Which name a target had and has."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.domain.current_name import CurrentName
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.spec import Policies, Spec
from workers.watch import names

HOUR = 3_600_000
FACTS = ObservedJob(namespace="ns", job="shop-1", uid="u")


@dataclass(frozen=True)
class Target:
    name: str
    renamed_from: str = ""


def targets(*found: Target) -> dict[str, Target]:
    return {target.name: target for target in found}


WEB_SHOP = Target("web-shop", "shop")


def test_a_target_says_what_it_was() -> None:
    assert names.wanted(targets(WEB_SHOP, Target("docs")), {}, 0, HOUR) == {"web-shop": "shop"}


def test_the_name_may_stay_said_or_not() -> None:
    known = {"shop": CurrentName("web-shop", 0)}

    assert names.wanted(targets(WEB_SHOP), known, 9 * HOUR, HOUR) == {"web-shop": "shop"}
    assert names.wanted(targets(Target("web-shop")), known, 9 * HOUR, HOUR) == {}
    assert names.present(["web-shop"], known) == {"shop": "web-shop"}


def test_a_configuration_that_was_taken_back_soon_renames_back() -> None:
    known = {"shop": CurrentName("web-shop", 0)}
    back = targets(Target("shop"))

    assert names.wanted(back, known, HOUR - 1, HOUR) == {"shop": "web-shop"}
    assert names.wanted(back, known, HOUR, HOUR) == {}
    assert names.taken(back, known, {}) == ["shop"]


def test_a_name_that_another_target_has_is_its_own() -> None:
    known = {"shop": CurrentName("web-shop", 0)}
    both = targets(Target("shop"), Target("web-shop"))

    assert names.wanted(both, known, 1, HOUR) == {}
    assert names.taken(both, known, {}) == ["shop"]
    assert names.present(both, known) == {}


def test_who_thinks_better_of_a_name_need_not_say_both() -> None:
    known = {"shop": CurrentName("web-shop", 0)}

    assert names.wanted(targets(Target("store", "shop")), known, 1, HOUR) == {"store": "web-shop"}


def test_what_labels_say_is_by_the_name_of_now() -> None:
    former = {"shop": "web-shop"}

    observations = names.by_present_name([("shop", FACTS), ("docs", FACTS), ("", FACTS)], former)

    assert [target for target, _ in observations] == ["web-shop", "docs", ""]


def test_a_spec_tells_the_names_before() -> None:
    spec = Spec(
        target="web-shop",
        repository="r",
        namespace="ns",
        policies=Policies(),
        manifest={},
        digest="",
    )
    former = {"shop": "web-shop", "web": "web-shop", "docs": "pages"}

    assert names.with_former(spec, former).former == ("shop", "web")
    assert names.with_former(spec, {}, "shop", "web-shop").former == ("shop",)
