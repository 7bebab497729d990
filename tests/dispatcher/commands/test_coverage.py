"""Which deploy brings a commit to a target."""

from __future__ import annotations

import pytest

from dispatcher.commands.coverage import bearer, newest
from dispatcher.domain.deploy import Reason, State
from dispatcher.http.api.schemas.deploys import DeployInfo

MINE, OLDER, NEWER = "b2" * 20, "a1" * 20, "c3" * 20
MAIN = "refs/heads/main"


def deploy(
    number: int,
    commit: str,
    state: State = State.SUCCEEDED,
    *,
    reason: Reason = Reason.PUSH,
    ref: str = MAIN,
    merged: int = 0,
) -> DeployInfo:
    return DeployInfo(
        deploy=f"shop/{number}",
        target="shop",
        number=number,
        state=state,
        reason=reason,
        ref=ref,
        commit=commit,
        merged=merged,
    )


def found(*deploys: DeployInfo, ref: str = "", had: tuple[int, ...] = ()) -> str:
    """Given oldest first."""
    is_it = bearer(deploys[::-1], MINE, ref, lambda deploy: deploy.number in had)
    return is_it.deploy if is_it else ""


def test_a_commit_that_has_not_come_has_none() -> None:
    assert found(deploy(1, OLDER), deploy(2, NEWER)) == ""


def test_its_own_deploy() -> None:
    assert found(deploy(1, OLDER), deploy(2, MINE, State.RUNNING)) == "shop/2"


def test_a_newer_one_that_superseded_it() -> None:
    assert found(deploy(1, MINE, State.SUPERSEDED), deploy(2, NEWER, State.PENDING)) == "shop/2"


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.LOST, State.RUNNING])
def test_a_newer_one_that_succeeded_although_its_own_has_not(state: State) -> None:
    assert found(deploy(1, MINE, state), deploy(2, NEWER)) == "shop/2"


def test_its_own_that_succeeded_before_a_newer_one_failed() -> None:
    assert found(deploy(1, MINE), deploy(2, NEWER, State.FAILED)) == "shop/1"


def test_the_newest_where_all_have_failed() -> None:
    both = deploy(1, MINE, State.FAILED), deploy(2, NEWER, State.CANCELLED)
    assert found(*both) == "shop/2"


def test_one_that_was_given_a_newer_commit_while_it_waited() -> None:
    assert found(deploy(3, NEWER, State.PENDING, merged=2), had=(3,)) == "shop/3"
    assert found(deploy(3, NEWER, State.PENDING, merged=2)) == ""


def test_a_redeploy_of_another_commit_may_go_back_and_does_not_count() -> None:
    back = deploy(2, OLDER, reason=Reason.REDEPLOY)
    assert found(deploy(1, MINE, State.FAILED), back) == "shop/1"
    again = deploy(2, MINE, reason=Reason.REDEPLOY)
    assert found(deploy(1, MINE, State.FAILED), again) == "shop/2"


def test_another_branch_does_not_count() -> None:
    other = deploy(2, NEWER, ref="refs/heads/next")
    assert found(deploy(1, MINE, State.FAILED), other) == "shop/1"


@pytest.mark.parametrize("ref", ["main", MAIN])
def test_where_several_branches_have_it_one_is_named(ref: str) -> None:
    both = deploy(1, MINE, State.RUNNING), deploy(2, MINE, ref="refs/heads/next")
    assert found(*both, ref=ref) == "shop/1"
    assert found(*both) == "shop/2"
    assert found(*both, ref="other") == ""


def test_the_newest_deploy_of_a_branch() -> None:
    both = deploy(2, NEWER, ref="refs/heads/next"), deploy(1, MINE)
    assert newest(both, "") is both[0]
    assert newest(both, "main") is both[1]
    assert newest(both, "v1") is None
