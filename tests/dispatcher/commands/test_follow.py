"""Following a deploy until it ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.follow import follow, standing_of
from dispatcher.domain.deploy import Reason, State
from dispatcher.http.api.schemas.deploys import DeployDetail

DEPLOY = DeployDetail(
    deploy="shop/2",
    target="shop",
    number=2,
    state=State.PENDING,
    reason=Reason.PUSH,
    ref="refs/heads/main",
    commit="a1" * 20,
)


class Story:
    """What is seen at each look; the clock moves only when someone waits."""

    live = False

    def __init__(self, *looks: DeployDetail | Failed) -> None:
        self.looks, self.said, self.now = list(looks), list[str](), 0.0
        self.shown: list[str] = []

    def look(self) -> DeployDetail:
        seen = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(seen, Failed):
            raise seen
        return seen

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return False

    def follow(self, timeout: float = 100) -> Exit:
        clock: Callable[[], float] = lambda: self.now  # noqa: E731
        last = follow(
            lambda: standing_of(self.look()),
            timeout,
            changes=self,
            say=self.said.append,
            progress=self.shown.append,
            clock=clock,
        )
        assert last.exit is not None
        return last.exit


def at(state: State, **more: object) -> DeployDetail:
    return replace(DEPLOY, state=state, **more)


def test_following_says_what_changes() -> None:
    story = Story(
        DEPLOY,
        DEPLOY,
        at(State.RUNNING),
        at(State.RUNNING),
        at(State.SUCCEEDED, duration=90.0),
    )

    assert story.follow() is Exit.DONE
    assert story.said == ["shop/2 pending", "shop/2 running", "shop/2 succeeded after 1m30s"]
    assert story.now == 4
    assert story.shown[-1] == "shop/2 running, waited for 3s"


@pytest.mark.parametrize("state", [State.FAILED, State.SUPERSEDED, State.CANCELLED, State.LOST])
def test_any_other_end_is_a_failure(state: State) -> None:
    story = Story(at(state, superseded_by="shop/3", why="a newer push"))

    assert story.follow() is Exit.FAILED
    assert story.said == [f"shop/2 {state} by shop/3: a newer push"]


def test_a_server_that_is_away_for_a_moment_is_waited_for() -> None:
    away = Failed(Exit.UNAVAILABLE, "nobody answers")
    story = Story(DEPLOY, away, away, at(State.SUCCEEDED))

    assert story.follow() is Exit.DONE
    assert story.said == ["shop/2 pending", "waiting: nobody answers", "shop/2 succeeded"]


def test_what_is_refused_is_not_asked_again() -> None:
    with pytest.raises(Failed) as failed:
        Story(Failed(Exit.REFUSED, "no such deploy")).follow()
    assert failed.value.code is Exit.REFUSED


def test_the_time_is_up() -> None:
    story = Story(at(State.RUNNING))

    with pytest.raises(Failed, match="after 5s it has not ended: shop/2 running") as failed:
        story.follow(timeout=5)

    assert failed.value.code is Exit.UNAVAILABLE
    assert story.now == 5


class Eventful(Story):
    """A stream of events that says so once something has happened."""

    live = True

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return self.now in (3.0, 20.0)


def test_an_event_says_when_to_look_again_and_a_lost_one_does_no_harm() -> None:
    story = Eventful(DEPLOY, at(State.STARTING), at(State.RUNNING), at(State.SUCCEEDED))

    assert story.follow() is Exit.DONE
    assert story.now == 20
    assert story.said[2] == "shop/2 running"  # 15 s after the last look
