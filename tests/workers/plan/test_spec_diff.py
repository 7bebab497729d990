"""What a configuration changes, and how that is told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dispatcher.config import ManifestJob, ShortJob, Target
from dispatcher.config.manifests import Manifest
from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.spec import Policies, Spec
from dispatcher.ledger import TargetView
from workers.commands.diff import Preview, as_data, diff, lines, words
from workers.manifest.job import render
from workers.plan.spec_diff import (
    JobChanged,
    New,
    PoliciesChanged,
    Removed,
    Renamed,
    differences,
    unchanged,
)

JOB = {"image": "deployer:3", "env": {"TOKEN": "hunter2"}}


def spec(name: str = "shop", job: dict[str, Any] | None = None, **more: Any) -> Spec:
    settings = {"repository": "https://github.com/acme/shop", "branches": ("main",), **more}
    return render(Target(name=name, job=ShortJob(**{**JOB, **(job or {})}), **settings), "default")


def published(*specs: Spec) -> dict[str, Spec]:
    return {spec.target: spec for spec in specs}


def view(*deploys: Deploy) -> TargetView:
    active = next((d for d in deploys if d.active), None)
    waiting = tuple(d for d in deploys if d.state is State.PENDING)
    last = next((d for d in deploys if d.terminal), None)
    return TargetView(
        name="shop",
        active=active,
        waiting=waiting,
        waiting_count=len(waiting),
        last=last,
        trouble=None,
    )


def deploy(number: int, state: State) -> Deploy:
    return Deploy(target="shop", number=number, state=state, stream="s", ref="r", commit="c")


def test_what_is_the_same_is_no_change() -> None:
    before, after = published(spec(), spec("docs")), [spec(), spec("docs")]

    assert differences(before, after, {}) == []
    assert unchanged(after, []) == 2


def test_new_and_removed() -> None:
    found = differences(published(spec("old", on_removed="stop")), [spec("new")], {})

    assert found == [New(target="new"), Removed(target="old", on_removed="stop")]
    assert unchanged([spec("new")], found) == 0


def test_what_was_removed_before_is_not_told_again() -> None:
    gone = msgspec.structs.replace(spec("old"), removed_at=7)

    assert differences(published(gone), [], {}) == []


def test_a_rename_alone_deploys_nothing() -> None:
    found = differences(published(spec()), [spec("web-shop")], {"web-shop": "shop"})

    assert found == [Renamed(target="web-shop", former="shop")]


def test_a_rename_that_is_done_is_no_change() -> None:
    assert differences(published(spec("new")), [spec("new")], {"new": "old"}) == []


def test_a_rename_can_change_more() -> None:
    after = spec("web-shop", {"image": "deployer:4"}, keep_failed=9)

    found = differences(published(spec()), [after], {"web-shop": "shop"})

    assert [type(change) for change in found] == [Renamed, JobChanged, PoliciesChanged]


def test_policies_alone_deploy_nothing() -> None:
    (found,) = differences(
        published(spec()), [spec(job={"timeout": 60}, keep_failed=9, interruptible=False)], {}
    )

    assert isinstance(found, PoliciesChanged)
    assert set(found.settings) == {
        ("timeout", 3600, 60),
        ("keep_failed", 3, 9),
        ("interruptible", True, False),
    }
    said = words(found, view())
    assert "keep_failed 3 -> 9" in said
    assert "interruptible true -> false" in said
    assert said.endswith("nothing is deployed for it")
    assert {name for name, *_ in found.settings} <= set(Policies.__struct_fields__)


def test_a_changed_job_is_shown_line_by_line() -> None:
    (found,) = differences(published(spec()), [spec(job={"image": "deployer:4"})], {})

    assert isinstance(found, JobChanged)
    shown = diff(found.before, found.after)
    assert shown[:2] == ["--- published", "+++ configured"]
    assert [line.split() for line in shown if line[0] in "+-"][2:] == [
        ["-", "image:", "deployer:3"],
        ["+", "image:", "deployer:4"],
    ]


@pytest.mark.parametrize(
    ("env", "signs"),
    [
        ({"TOKEN": "correct horse"}, ["-", "+"]),
        ({"TOKEN": "hunter2", "MORE": "correct horse"}, ["+", "+"]),
        ({}, ["-", "-"]),
    ],
)
def test_values_of_variables_are_never_shown_only_that_they_change(
    env: dict[str, str], signs: list[str]
) -> None:
    found = differences(published(spec()), [spec(job={"env": env})], {})

    shown = list(lines(Preview(found, 0, {"shop": view()})))
    said = "\n".join(shown)
    assert "hunter2" not in said
    assert "correct horse" not in said
    assert [line[2] for line in shown if line[2] in "+-"][2:] == signs


def test_nor_those_of_a_manifest_of_the_user_s_own() -> None:
    def of(value: str) -> Spec:
        env = [{"name": "A", "value": value}]
        pod = {"containers": [{"name": "main", "image": "b", "env": env}]}
        document = {"metadata": {}, "spec": {"template": {"spec": pod}}}
        job = ManifestJob(manifest=Manifest("j.yaml", document))
        return render(Target(name="shop", repository="/r", branches=("m",), job=job), "default")

    found = differences(published(of("hunter2")), [of("other")], {})

    assert "hunter2" not in repr(found)
    assert "another value" in repr(found)


@pytest.mark.parametrize(
    ("on_removed", "deploys", "said"),
    [
        ("finish", [], "is removed; nothing of it runs;"),
        ("finish", [deploy(2, State.RUNNING)], "is removed; shop/2 is running and finishes;"),
        (
            "stop",
            [deploy(2, State.RUNNING), deploy(3, State.PENDING)],
            "is removed; shop/2 is running and is stopped, shop/3 waits and is cancelled;",
        ),
    ],
)
def test_what_becomes_of_what_a_removed_target_runs(
    on_removed: str, deploys: list[Deploy], said: str
) -> None:
    assert words(Removed(target="shop", on_removed=on_removed), view(*deploys)).startswith(said)


@pytest.mark.parametrize(
    ("deploys", "said"),
    [
        ([], "it was never deployed, so nothing is"),
        ([deploy(1, State.FAILED)], "it is deployed again, with reason spec-change"),
        ([deploy(1, State.RUNNING)], "it is deployed again, with reason spec-change"),
        ([deploy(2, State.PENDING)], "shop/2 waits and gets the new one"),
    ],
)
def test_whether_a_changed_job_is_deployed(deploys: list[Deploy], said: str) -> None:
    assert said in words(JobChanged(target="shop", before={}, after={}), view(*deploys))


def test_as_lines_and_as_data() -> None:
    changes = differences(published(spec(), spec("docs")), [spec("web-shop"), spec("docs")], {})
    preview = Preview(changes, 1, {"shop": view(), "web-shop": view()})

    assert list(lines(preview)) == [
        "shop: is removed; nothing of it runs; its history stays for a while",
        "web-shop: is new",
        "1 other target unchanged",
    ]
    assert [c["change"] for c in as_data(preview)["changes"]] == ["removed", "new"]
    assert list(lines(Preview([], 2, {}))) == ["2 targets unchanged"]
