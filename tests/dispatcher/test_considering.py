"""A delivery's pushes before hooks and targets: the same for who takes it and who explains it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from dispatcher.considering import Considered, Explanation, Speaker, consider, explain
from dispatcher.matching import Matcher, Rule
from tests.dispatcher.test_matching import NEW, Target, push

ACME = Speaker("github", ["github.com/acme/*"])


def test_every_target_of_the_repository_is_heard() -> None:
    matcher = Matcher([Target("a"), Target("b", branches=("next",)), Target("c", "x.com/y")])

    (considered,) = consider([push()], ACME, matcher)

    assert [decision.target for decision in considered.decisions] == ["a", "b"]
    assert (considered.reason, considered.refused) == ("", False)


def test_a_repository_that_the_hook_does_not_speak_for() -> None:
    what = push(repository="github.com/other/shop")

    assert consider([what], ACME, Matcher([Target()])) == (
        Considered(
            what,
            (),
            "hook github may not speak for github.com/other/shop: add it to the hook's repositories",
            refused=True,
        ),
    )


def test_a_repository_without_a_target() -> None:
    what = push(repository="github.com/acme/docs")

    (considered,) = consider([what], ACME, Matcher([Target()]))

    assert considered == Considered(what, (), "no target for repository github.com/acme/docs")


def test_an_explanation_says_what_was_decided_and_by_which_rule() -> None:
    matcher = Matcher([Target("a"), Target("b", paths=("docs/**",))])

    wanted, unwanted = explain([push(paths=("main.py",))], ACME, matcher)

    assert wanted == Explanation(
        repository="github.com/acme/shop",
        ref="refs/heads/main",
        commit=NEW,
        target="a",
        wanted=True,
        rule=None,
        reason="branch main",
    )
    assert (unwanted.target, unwanted.wanted, unwanted.rule) == ("b", False, Rule.PATHS)
    assert unwanted.reason == "no changed file is one of docs/**"


def test_who_may_read_the_configuration_is_told_of_targets_that_a_sender_is_not() -> None:
    matcher = Matcher([Target("a"), Target("b")])

    told = explain([push()], Speaker("gitlab", ["gitlab.com/**"]), matcher)

    assert [(each.target, each.wanted, each.rule) for each in told] == [
        ("a", False, Rule.REPOSITORIES),
        ("b", False, Rule.REPOSITORIES),
    ]
    assert "hook gitlab may not speak for github.com/acme/shop" in told[0].reason


def test_where_there_is_no_target_that_is_explained() -> None:
    (told,) = explain([push()], ACME, Matcher([]))

    assert (told.target, told.wanted, told.rule) == ("", False, None)
    assert told.reason == "no target for repository github.com/acme/shop"


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/next", "refs/tags/v1.2.3"])
def test_the_work_for_a_push_is_the_same_however_many_targets_and_hooks_repositories_there_are(
    ref: str,
) -> None:
    few, many = (installation(count) for count in (10, 20_000))
    what = [push(ref, paths=("a", "b"))]

    assert work(lambda: consider(what, *few)) == work(lambda: consider(what, *many)) > 0
    assert len(many[1].match(what[0])) == 2


def installation(count: int) -> tuple[Speaker, Matcher]:
    """Two targets are of one repository, all others of others; the hook lists every one by its name."""
    both = [Target("a", tags=("semver:^1",), paths=("b",)), Target("b", branches=("*",))]
    others = [Target(f"t{n}", f"https://github.com/acme/r{n}") for n in range(count - 2)]
    names = ["github.com/acme/shop", *(f"github.com/acme/r{n}" for n in range(count))]
    return Speaker("github", names), Matcher([*both, *others])


def work(act: Callable[[], object]) -> int:
    """How many instructions of Python's it takes, which is the same on every machine."""
    act()  # what is kept for the next time is kept
    done = 0

    def count(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal done
        frame.f_trace_opcodes = True
        done += event == "opcode"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        act()
    finally:
        sys.settrace(before)
    return done
