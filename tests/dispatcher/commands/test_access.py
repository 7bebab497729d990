"""Where the API is, and which token goes there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dispatcher.commands.access import DEFAULT_URL, find_access
from dispatcher.domain.errors import UsageError


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
