"""Where the embedded Valkey listens: where nobody but its owner reaches it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from dispatcher.domain.errors import UsageError
from dispatcher.ledger import connect
from dispatcher.local.valkey import socket_path, socket_url
from tests.conftest import start_valkey

DEEP = "/".join(["a-folder-of-a-deep-checkout"] * 6)


def test_it_is_on_no_port_and_behind_its_owners_folder(tmp_path: Path) -> None:
    with start_valkey(tmp_path) as url, connect(url) as client:
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("tls-port") == {"tls-port": "0"}
        mode = socket_path(tmp_path).stat().st_mode

    assert stat.S_ISSOCK(mode)
    assert not mode & 0o077


def test_a_deep_state_directory_has_its_socket_in_a_short_folder(tmp_path: Path) -> None:
    state = tmp_path / DEEP
    state.mkdir(parents=True)

    with start_valkey(state) as url, connect(url) as client:
        assert client.ping()
        client.set("key", "value")

    folder = socket_path(state).parent
    assert state not in folder.parents
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with start_valkey(state) as again, connect(again) as client:
        assert again == url
        assert client.get("key") == "value"
    socket_path(state).unlink()
    folder.rmdir()


def test_a_short_folder_that_others_may_enter_is_not_used_again(tmp_path: Path) -> None:
    state = tmp_path / DEEP
    state.mkdir(parents=True)
    first = socket_path(state).parent
    assert socket_path(state).parent == first

    first.chmod(0o755)
    second = socket_path(state).parent
    second.rmdir()
    second.symlink_to(first)
    third = socket_path(state).parent

    second.unlink()
    for folder in {first, third}:
        folder.rmdir()
    assert len({first, second, third}) == 3


def test_no_folder_is_short_enough(tmp_path: Path) -> None:
    deep = tmp_path / DEEP

    with pytest.raises(UsageError, match="set TMPDIR"):
        socket_path(deep, short=tmp_path / DEEP)


def test_a_path_of_any_characters_is_reached(tmp_path: Path) -> None:
    folder = tmp_path / "50% #1? é&b=c"
    folder.mkdir()

    with start_valkey(folder) as url, connect(url) as client:
        assert client.ping()
    assert url == socket_url(socket_path(folder))
