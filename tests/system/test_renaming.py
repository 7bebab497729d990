"""A target is renamed while its deploy runs: real processes, the local cluster."""

from __future__ import annotations

import yaml

from tests.system.installation import Installation, Target, sha
from tests.waiting import eventually


def rename(system: Installation, target: Target, name: str, **settings: str) -> Target:
    """In its file, as a person does it: another key, and a line that says what it was."""
    file = system.config / f"{target.name}.yaml"
    document = yaml.safe_load(file.read_text())
    (body,) = document["targets"].values()
    body.pop("renamed_from", None)
    document["targets"] = {name: body | settings}
    file.write_text(yaml.safe_dump(document))
    return Target(system, name, target.repository)


def runs(system: Installation, *names: str) -> list[tuple[float, float, str]]:
    """When a Pod of these targets began and ended, in order."""
    found = [run for run in system.pod_history.runs.values() if run.target in names]
    return sorted((run.began, run.ended, run.job) for run in found)


def test_history_goes_on_and_what_runs_ends_before_the_next_starts(system: Installation) -> None:
    shop = system.target("former-shop", "[ $DEPLOY_NUMBER = 1 ] || sleep 5", on_new_push="wait")
    shop.push("0", "a")
    shop.until(1, "succeeded")
    shop.push("a", "b")
    shop.until(2, "running")

    web_shop = rename(system, shop, "new-shop", renamed_from="former-shop")
    answer = shop.push("b", "c")
    assert answer["outcome"] == "accepted"
    assert eventually(lambda: system.redis.hexists(system.keys.specs, "new-shop"))

    assert web_shop.deploy(2).job == "former-shop-2"
    assert web_shop.deploy(3).commit == sha("c")
    web_shop.until(2, "succeeded")
    assert web_shop.until(3, "succeeded").job == "new-shop-3"
    assert [deploy.number for deploy in web_shop.deploys()] == [3, 2, 1]
    assert [deploy.reason for deploy in web_shop.deploys()] == ["push"] * 3
    first, second, third = runs(system, "former-shop", "new-shop")
    assert [job for *_, job in (first, second, third)] == [
        "former-shop-1",
        "former-shop-2",
        "new-shop-3",
    ]
    assert second[1] <= third[0]
    assert web_shop.is_clean()
    assert eventually(lambda: not shop.jobs())
    assert not system.redis.exists(system.keys.row("former-shop"))

    assert web_shop.push("a", "b")["outcome"] == "duplicate"


def test_a_newer_push_stops_what_runs_under_the_old_name(system: Installation) -> None:
    old = system.target("old-name", "trap '' TERM; [ $DEPLOY_NUMBER = 2 ] || sleep 60")
    old.push("0", "a")
    old.until(1, "running")
    new = rename(system, old, "new-name", renamed_from="old-name")
    assert eventually(lambda: system.redis.hexists(system.keys.specs, "new-name"))

    new.push("a", "b")

    assert new.until(1, "superseded").superseded_by == 2
    assert new.until(2, "succeeded").job == "new-name-2"
    (_, ended, _), (began, _, _) = runs(system, "old-name", "new-name")
    assert ended <= began
    assert new.is_clean()


def test_a_rename_that_is_taken_back_gives_the_history_back(system: Installation) -> None:
    before = system.target("before", "true")
    before.push("0", "a")
    before.until(1, "succeeded")
    after = rename(system, before, "after", renamed_from="before")
    assert eventually(lambda: len(after.deploys()) == 1)

    rename(system, before, "before")

    assert eventually(lambda: len(before.deploys()) == 1 and not after.deploys())
    assert eventually(before.is_known_to_web)
    assert before.push("a", "b")["deploy"] == "before/2"
    before.until(2, "succeeded")
