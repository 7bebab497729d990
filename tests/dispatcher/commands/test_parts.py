"""The command line's pure parts: words, access, following."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from dispatcher.commands.access import DEFAULT_URL, find_access
from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.follow import follow
from dispatcher.commands.formatting import age, lines, plain, span
from dispatcher.domain.deploy import Reason, State
from dispatcher.domain.errors import UsageError
from dispatcher.http.api.schemas.deploys import DeployDetail

SPANS = {
    0: "0s",
    0.4: "0s",
    59: "59s",
    60: "1m",
    90: "1m30s",
    599: "9m59s",
    601: "10m",
    3600: "1h",
    5400: "1h30m",
    40_000: "11h",
    100_000: "27h",
    200_000: "2d",
    -5: "0s",
}


@pytest.mark.parametrize(("seconds", "words"), SPANS.items())
def test_spans(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_ages() -> None:
    now = datetime(2025, 11, 22, 12, 0, 0, tzinfo=UTC)

    assert age("2025-11-22T11:58:30.000Z", now) == "1m30s"
    assert age(None, now) == ""


def test_nothing_that_others_wrote_moves_the_cursor() -> None:
    assert plain("a\x1b[2J\nb\u202e") == "a [2J b "
    assert lines("a\x1b[2J\n\tb\r") == "a·[2J\n\tb·"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A directory in which `up` was started."""
    folder = tmp_path / ".dispatcher"
    folder.mkdir()
    (folder / "client.json").write_text(json.dumps({"url": "http://local", "token": "local"}))
    return folder


def found(environ: dict[str, str], **given: str | Path | None) -> tuple[str, str]:
    access = find_access(environ, **given)  # type: ignore[arg-type]
    return access.url, access.token.reveal().decode()


ENVIRON = {"DISPATCHER_URL": "http://env", "DISPATCHER_API_TOKEN": "env"}


def test_where_the_api_is(state: Path, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("file\n")
    cwd = state.parent

    assert found({}, cwd=tmp_path / "elsewhere") == (DEFAULT_URL, "")
    assert found({}, cwd=cwd) == ("http://local", "local")
    assert found({}, cwd=cwd, token_file=file) == (DEFAULT_URL, "file")
    assert found({}, state_dir=state, token_file=file) == ("http://local", "file")
    assert found(ENVIRON, cwd=cwd) == ("http://env", "env")
    assert found({"DISPATCHER_API_TOKEN": "env"}, cwd=cwd) == (DEFAULT_URL, "env")
    assert found({"DISPATCHER_API_TOKEN_FILE": str(file)}, cwd=cwd) == (DEFAULT_URL, "file")
    assert found(ENVIRON, cwd=cwd, state_dir=state) == ("http://local", "local")
    assert found(ENVIRON, cwd=cwd, url="http://said") == ("http://said", "env")


def test_a_token_of_a_state_directory_goes_nowhere_else(state: Path) -> None:
    assert found({}, cwd=state.parent, url="http://said") == ("http://said", "")
    assert found({}, state_dir=state, url="http://said") == ("http://said", "")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make another user's file")
def test_what_another_user_left_in_the_current_directory_is_not_followed(state: Path) -> None:
    os.chown(state / "client.json", 12345, 12345)

    with pytest.raises(UsageError, match="another user; say which API"):
        find_access({}, cwd=state.parent)

    assert found({}, state_dir=state) == ("http://local", "local")


def test_access_that_cannot_be(state: Path, tmp_path: Path) -> None:
    both = {"DISPATCHER_API_TOKEN": "a", "DISPATCHER_API_TOKEN_FILE": "b"}
    with pytest.raises(UsageError, match="keep one of them"):
        find_access(both)
    with pytest.raises(UsageError, match="git-dispatcher up"):
        find_access({}, state_dir=tmp_path)
    (state / "client.json").write_text("{")
    with pytest.raises(UsageError, match="is broken"):
        find_access({}, cwd=state.parent)


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
    """What is seen at each look; the clock moves only when someone sleeps."""

    def __init__(self, *looks: DeployDetail | Failed) -> None:
        self.looks, self.said, self.now = list(looks), list[str](), 0.0

    def look(self) -> DeployDetail:
        seen = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(seen, Failed):
            raise seen
        return seen

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def follow(self, timeout: float = 100) -> Exit:
        clock: Callable[[], float] = lambda: self.now  # noqa: E731
        return follow(self.look, timeout, say=self.said.append, sleep=self.sleep, clock=clock)[0]


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

    with pytest.raises(Failed, match="has not ended after 5s") as failed:
        story.follow(timeout=5)

    assert failed.value.code is Exit.UNAVAILABLE
    assert story.now == 5
