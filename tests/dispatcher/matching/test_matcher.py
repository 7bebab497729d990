"""Which targets want a push, and the reasons that operators read."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.decision import Decision, Rule
from dispatcher.domain.push import Push
from dispatcher.domain.repositories import UnusableRepository
from dispatcher.matching.evaluation import HookScope
from dispatcher.matching.matcher import Matcher, follows

OLD, NEW, ZERO = "1" * 40, "2" * 40, "0" * 40


@dataclass(frozen=True)
class Target:
    name: str = "shop"
    repository: str = "git@GitHub.com:Acme/shop.git"
    branches: tuple[str, ...] = ("main", "release/*")
    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    skip_markers: bool = True


def push(
    ref: str = "refs/heads/main",
    *,
    after: str = NEW,
    message: str = "",
    paths: tuple[str, ...] | None = None,
    maybe_renamed: tuple[str, ...] = (),
    repository: str = "github.com/acme/shop",
) -> Push:
    return Push(
        repository=repository,
        ref=ref,
        before=OLD,
        after=after,
        message=message,
        paths=paths,
        maybe_renamed=maybe_renamed,
    )


def decide(target: Target, what: Push) -> Decision:
    (decision,) = Matcher([target]).match(what, what.addresses)
    return decision


@pytest.mark.parametrize(
    ("ref", "rule", "reason"),
    [
        ("refs/heads/main", None, "branch main"),
        ("refs/heads/release/2", None, "branch release/2 matches release/*"),
        ("refs/heads/feature/x", Rule.BRANCHES, "branch feature/x matches none of main, release/*"),
        ("refs/tags/v1", Rule.TAGS, "tag v1: the target follows no tags"),
        ("refs/tags/main", Rule.TAGS, "tag main: the target follows no tags"),
    ],
)
def test_branches_are_matched_by_short_name(ref: str, rule: Rule | None, reason: str) -> None:
    what = push(ref)

    decision = decide(Target(), what)

    assert decision == Decision.on(what, "shop", rule, reason)
    assert decision.wanted == decision.follows == (rule is None)


def test_a_target_of_tags_wants_no_branch() -> None:
    target = Target(branches=(), tags=("v*", "!v*-rc*"))

    assert decide(target, push("refs/tags/v2")).wanted
    assert decide(target, push("refs/tags/v2-rc1")).reason == "tag v2-rc1 is excluded by !v*-rc*"
    assert decide(target, push()).reason == "branch main: the target follows no branches"


@pytest.mark.parametrize(
    ("tag", "wanted", "reason"),
    [
        ("v1.4.0", True, "tag v1.4.0 matches semver:>=1.2 <2"),
        ("v2.0.0", False, "tag v2.0.0 matches none of semver:>=1.2 <2, nightly, !semver:1.5.3"),
        ("v1.5.3", False, "tag v1.5.3 is excluded by !semver:1.5.3"),
        ("nightly", True, "tag nightly"),
        ("v1", False, "it is not a version like 1.2.3"),
        ("v1.4.0-rc.1", False, "a range includes a pre-release only if"),
    ],
)
def test_tags_can_be_followed_by_version(tag: str, wanted: bool, reason: str) -> None:
    target = Target(branches=(), tags=("semver:>=1.2 <2", "nightly", "!semver:1.5.3"))

    decision = decide(target, push(f"refs/tags/{tag}"))

    assert decision.wanted is wanted
    assert reason in decision.reason
    assert follows(target, f"refs/tags/{tag}") == (wanted, decision.reason)


@pytest.mark.parametrize(
    ("ref", "what"),
    [("refs/heads/main", "branch"), ("refs/tags/v1", "tag")],
)
def test_a_deletion_is_reported_but_deploys_nothing(ref: str, what: str) -> None:
    deleting = push(ref, after=ZERO)

    decision = decide(Target(tags=("*",)), deleting)

    reason = f"{what} deleted: nothing to deploy"
    assert decision == Decision.on(deleting, "shop", Rule.DELETION, reason)
    assert decision.deletion
    assert decision.follows
    assert not decision.wanted


def test_the_deletion_of_a_branch_that_is_not_followed_is_just_another_branch() -> None:
    decision = decide(Target(), push("refs/heads/feature/x", after=ZERO))

    assert not decision.deletion
    assert not decision.follows


@pytest.mark.parametrize("marker", ["[skip ci]", "[ci skip]", "[Skip Deploy]"])
def test_a_commit_can_ask_not_to_be_deployed(marker: str) -> None:
    decision = decide(Target(), push(message=f"Fix a typo\n\n{marker}"))

    assert not decision.wanted
    assert decision.follows
    assert decision.rule is Rule.SKIP_MARKERS
    assert decision.reason == f"the commit's message says {marker}"


def test_a_target_can_turn_a_deaf_ear_to_that() -> None:
    target = Target(skip_markers=False, paths=("docs/**",))

    assert decide(target, push(message="[skip ci]", paths=("docs/a",))).wanted
    assert decide(target, push(message="[skip ci]", paths=("a",))).rule is Rule.PATHS


def test_path_filters() -> None:
    target = Target(paths=("services/**", "!**/*.md"))

    wanted = decide(target, push(paths=("README.md", "services/api.py")))
    unwanted = decide(target, push(paths=("README.md", "services/README.md")))

    assert wanted.wanted
    assert wanted.reason == "branch main; services/api.py matches services/**, !**/*.md"
    assert not unwanted.wanted
    assert unwanted.follows
    assert unwanted.rule is Rule.PATHS
    assert unwanted.reason == "no changed file matches services/**, !**/*.md"


def test_a_path_filter_that_cannot_know_lets_the_push_through_and_says_so() -> None:
    decision = decide(Target(paths=("services/**",)), push(paths=None))

    assert decision.wanted
    assert "unknown" in decision.reason


@pytest.mark.parametrize(
    ("paths", "new"),
    [
        (("services/**",), "archive/a.py"),
        (("!**/*.md",), "docs/a.md"),
        (("services/**", "!**/*.md"), "services/a.md"),
    ],
)
def test_a_file_that_may_have_been_moved_out_of_the_filter_lets_the_push_through(
    paths: tuple[str, ...], new: str
) -> None:
    target = Target(paths=paths)

    said = decide(target, push(paths=(new,)))
    unsaid = decide(target, push(paths=(new,), maybe_renamed=(new,)))

    assert said.rule is Rule.PATHS
    assert unsaid.wanted
    assert unsaid.reason == (
        f"branch main; {new} is new, or renamed from a file that the host does not list, so the path "
        "filter does not apply"
    )


def test_a_file_that_is_wanted_is_the_better_reason() -> None:
    what = push(paths=("a.md", "services/api.py"), maybe_renamed=("a.md",))

    decision = decide(Target(paths=("services/**",)), what)

    assert decision.reason == "branch main; services/api.py matches services/**"


def test_path_filters_do_not_count_for_tags() -> None:
    target = Target(tags=("v*",), paths=("services/**",))

    assert decide(target, push("refs/tags/v1", paths=("README.md",))).reason == (
        "tag v1 matches v*"
    )


def test_no_file_changed_is_something_else_than_not_known() -> None:
    assert not decide(Target(paths=("services/**",)), push(paths=())).wanted


@pytest.mark.parametrize(
    ("branches", "wanted"),
    [
        (("**",), False),
        (("*/**",), False),
        (("gh-readonly-queue/**",), True),
        (("**", "gh-readonly-queue/main/*"), True),
        (("gh-readonly-queue/**", "!gh-readonly-queue/main/**"), False),
        (("gh-readonly-queue/**", "!**/pr-7-*"), False),
    ],
)
def test_merge_queue_branches_must_be_named(branches: tuple[str, ...], wanted: bool) -> None:
    decision = decide(Target(branches=branches), push("refs/heads/gh-readonly-queue/main/pr-7-abc"))

    assert decision.wanted is wanted


def test_that_a_merge_queue_must_be_named_is_said() -> None:
    decision = decide(Target(branches=("**",)), push("refs/heads/gh-readonly-queue/main/pr-7"))

    assert decision.rule is Rule.MERGE_QUEUE
    assert "only by patterns that begin with gh-readonly-queue/" in decision.reason
    assert not decision.follows


def test_a_hostile_file_name_is_shown_harmlessly() -> None:
    decision = decide(Target(paths=("**",)), push(paths=("a\x1b[31m\n" + "b" * 500,)))

    assert decision.wanted
    assert decision.reason.isprintable()
    assert len(decision.reason) < 200


def test_only_targets_of_the_repository_are_asked_in_their_order() -> None:
    matcher = Matcher(
        [
            Target("b"),
            Target("other", repository="https://gitlab.com/acme/shop"),
            Target("a", repository="https://github.com/acme/shop"),
        ],
    )

    assert targets(matcher, "github.com/acme/shop") == ["b", "a"]
    assert targets(matcher, "github.com/acme/unknown") == []
    assert targets(matcher, "gitlab.com/acme/shop", "github.com/acme/shop") == ["b", "other", "a"]


def targets(matcher: Matcher, *addresses: str) -> list[str]:
    return [decision.target for decision in matcher.match(push(), addresses)]


def test_a_target_is_asked_once_by_however_many_addresses_it_is_found() -> None:
    matcher = Matcher([Target()])

    assert targets(matcher, "github.com/acme/shop", "github.com/acme/shop") == ["shop"]


def test_an_unusable_repository_is_reported_when_the_matcher_is_built() -> None:
    with pytest.raises(UnusableRepository):
        Matcher([Target(repository="nonsense")])


@pytest.mark.parametrize(
    ("identity", "globs", "expected"),
    [
        ("github.com/acme/shop", ["github.com/acme/*"], True),
        ("github.com/acme/shop", ["GitHub.com/Acme/*"], True),
        ("github.com/acme/team/shop", ["github.com/acme/*"], False),
        ("gitlab.com/team-b/x/y", ["gitlab.com/team-b/**"], True),
        ("github.com/acme2/shop", ["github.com/acme/*"], False),
        ("github.com/acme/shop", ["**"], True),
        ("github.com/acme/shop", [], False),
        ("github.com/acme/shop", ["!github.com/acme/secret"], False),
        ("github.com/acme/secret", ["github.com/acme/*", "!github.com/acme/secret"], False),
        ("evil.com/github.com/acme/shop", ["github.com/acme/*"], False),
    ],
)
def test_a_hook_speaks_only_for_its_repositories(
    identity: str, globs: list[str], expected: bool
) -> None:
    assert HookScope("github", globs).allows(identity) is expected


NAMES = st.text(st.sampled_from("av1.-/*!?é\N{RIGHT-TO-LEFT OVERRIDE}"), min_size=1, max_size=12)
PATTERNS = st.lists(
    NAMES | st.sampled_from(["**", "semver:>=1", "!semver:^1.1", "gh-readonly-queue/**"])
).map(tuple)
PUSHES = st.builds(
    push,
    st.builds(str.__add__, st.sampled_from(["refs/heads/", "refs/tags/"]), NAMES),
    after=st.sampled_from([NEW, ZERO]),
    message=st.sampled_from(["", "[Skip CI]"]) | NAMES,
    paths=st.none() | st.lists(NAMES).map(tuple),
)


@given(st.builds(Target, branches=PATTERNS, tags=PATTERNS, paths=PATTERNS), PUSHES)
def test_every_push_gets_one_decision_and_a_reason(target: Target, what: Push) -> None:
    decision = decide(target, what)

    assert decision.reason
    assert decision.wanted <= decision.follows
    assert decision.follows == follows(target, what.ref)[0]
    if decision.deletion:
        assert what.deleted
