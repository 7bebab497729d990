"""A delivery's pushes before hooks and targets: the same for who takes it and who explains it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import msgspec
import pytest

from dispatcher.domain.decision import Rule
from dispatcher.matching.evaluation import Evaluation, Explanation, HookScope, evaluate, explain
from dispatcher.matching.matcher import Matcher
from tests.dispatcher.matching.test_matcher import NEW, Target, push

ACME = HookScope("github", ["github.com/acme/*"])


def test_every_target_of_the_repository_is_heard() -> None:
    matcher = Matcher([Target("a"), Target("b", branches=("next",)), Target("c", "x.com/y")])

    (evaluation,) = evaluate([push()], ACME, matcher)

    assert [decision.target for decision in evaluation.decisions] == ["a", "b"]
    assert (evaluation.reason, evaluation.out_of_scope) == ("", False)


def test_a_repository_that_the_hook_does_not_speak_for() -> None:
    what = push(repository="github.com/other/shop")

    assert evaluate([what], ACME, Matcher([Target()])) == (
        Evaluation(
            what,
            (),
            "hook github may not speak for github.com/other/shop: add it to the hook's repositories",
            out_of_scope=True,
        ),
    )


def test_a_repository_without_a_target() -> None:
    what = push(repository="github.com/acme/docs")

    (evaluation,) = evaluate([what], ACME, Matcher([Target()]))

    assert evaluation == Evaluation(what, (), "no target for repository github.com/acme/docs")


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
    assert unwanted.reason == "no changed file matches docs/**"


def test_who_may_read_the_configuration_is_told_of_targets_that_a_sender_is_not() -> None:
    matcher = Matcher([Target("a"), Target("b")])

    told = explain([push()], HookScope("gitlab", ["gitlab.com/**"]), matcher)

    assert [(each.target, each.wanted, each.rule) for each in told] == [
        ("a", False, Rule.REPOSITORIES),
        ("b", False, Rule.REPOSITORIES),
    ]
    assert "hook gitlab may not speak for github.com/acme/shop" in told[0].reason


def test_where_there_is_no_target_that_is_explained() -> None:
    (told,) = explain([push()], ACME, Matcher([]))

    assert (told.target, told.wanted, told.rule) == ("", False, None)
    assert told.reason == "no target for repository github.com/acme/shop"


FORGE, SSH = "forge.example.net:3000/acme/shop", "ssh.example.net/acme/shop"
"""One repository, by two of its addresses."""
WEB_TARGET = Target("by-web", "http://forge.example.net:3000/acme/shop.git")
SSH_TARGET = Target("by-ssh", "ssh://git@ssh.example.net:2222/acme/shop.git")


def decided(repositories: list[str], *targets: Target) -> tuple[list[str], str]:
    """Which targets a push to FORGE alias SSH reaches by a hook of these repositories, or why none."""
    what = msgspec.structs.replace(push(repository=FORGE), aliases=(SSH,))
    (found,) = evaluate([what], HookScope("forge", repositories), Matcher(targets))
    return [decision.target for decision in found.decisions], found.reason


def test_a_target_is_found_by_any_address_of_the_repository() -> None:
    assert decided(["**"], SSH_TARGET) == (["by-ssh"], "")
    assert decided(["**"], SSH_TARGET, WEB_TARGET) == (["by-ssh", "by-web"], "")


def test_an_address_counts_only_where_the_hook_may_speak_for_it() -> None:
    both = WEB_TARGET, SSH_TARGET

    assert decided(["forge.example.net:3000/**"], *both) == (["by-web"], "")
    assert decided(["ssh.example.net/**"], *both) == (["by-ssh"], "")
    assert decided(["**", "!ssh.example.net/**"], *both) == (["by-web"], "")


def test_which_addresses_have_no_target_and_which_are_out_of_reach_is_said() -> None:
    assert decided(["**"]) == ([], f"no target for repository {FORGE} or {SSH}")
    assert decided(["forge.example.net:3000/**"], SSH_TARGET) == (
        [],
        f"no target for repository {FORGE}; hook forge may not speak for {SSH}",
    )
    assert decided(["github.com/**"], SSH_TARGET) == (
        [],
        f"hook forge may not speak for {FORGE} or {SSH}: add it to the hook's repositories",
    )


@pytest.mark.parametrize("claimed", ["github.com/victim/shop", "git.other.com/victim/shop"])
def test_a_claimed_address_reaches_no_target_of_another_hook_and_tells_of_none(
    claimed: str,
) -> None:
    victim = Target("victim", f"https://{claimed}")
    lie = msgspec.structs.replace(push(), aliases=(claimed,))

    (with_victim,) = evaluate([lie], ACME, Matcher([Target("own"), victim]))
    (alone,) = evaluate([lie], ACME, Matcher([victim]))
    (without,) = evaluate([lie], ACME, Matcher([]))

    assert [decision.target for decision in with_victim.decisions] == ["own"]
    assert alone == without  # the answer is the same, whether there is such a target or not


def test_who_may_read_the_configuration_is_told_of_a_target_that_is_out_of_reach() -> None:
    what = msgspec.structs.replace(push(repository=FORGE), aliases=(SSH,))
    scope = HookScope("forge", ["forge.example.net:3000/**"])

    told = explain([what], scope, Matcher([SSH_TARGET, WEB_TARGET]))

    assert [(each.target, each.wanted, each.rule) for each in told] == [
        ("by-web", True, None),
        ("by-ssh", False, Rule.REPOSITORIES),
    ]
    assert (
        told[1].reason == f"hook forge may not speak for {SSH}: add it to the hook's repositories"
    )


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/next", "refs/tags/v1.2.3"])
def test_the_work_for_a_push_is_the_same_however_many_targets_and_hooks_repositories_there_are(
    ref: str,
) -> None:
    few, many = (installation(count) for count in (10, 20_000))
    what = [push(ref, paths=("a", "b"))]

    assert work(lambda: evaluate(what, *few)) == work(lambda: evaluate(what, *many)) > 0
    assert len(many[1].match(what[0], what[0].addresses)) == 2


def installation(count: int) -> tuple[HookScope, Matcher]:
    """Two targets are of one repository, all others of others; the hook lists every one by its name."""
    both = [Target("a", tags=("semver:^1",), paths=("b",)), Target("b", branches=("*",))]
    others = [Target(f"t{n}", f"https://github.com/acme/r{n}") for n in range(count - 2)]
    names = ["github.com/acme/shop", *(f"github.com/acme/r{n}" for n in range(count))]
    return HookScope("github", names), Matcher([*both, *others])


def work(act: Callable[[], object]) -> int:
    """How many instructions of Python's it takes, which is the same on every machine."""
    act()  # what is kept for the next time is kept
    done = 0

    def count(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal done
        frame.f_trace_opcodes = True
        done += event == "opcode"
        return count

    # Python 3.12 counts opcodes only if a frame asks for it before tracing begins.
    sys._getframe().f_trace_opcodes = True
    before = sys.gettrace()
    sys.settrace(count)
    try:
        act()
    finally:
        sys.settrace(before)
    return done
