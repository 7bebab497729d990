"""Locks of ports lie in a folder in which everyone may write: nothing that is there is followed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from dispatcher.domain.errors import UsageError
from dispatcher.local.ports import Ports, free_port


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def lock(shared: Path, port: int) -> Path:
    return shared / f"git-dispatcher-{os.getuid()}-port-{port}.lock"


def test_a_link_in_the_place_of_a_lock_is_not_followed(shared: Path) -> None:
    victim = shared / "precious"
    victim.write_text("everything")
    port = free_port()
    lock(shared, port).symlink_to(victim)
    missing = shared / "missing"
    other = free_port()
    lock(shared, other).symlink_to(missing)

    ports = Ports()
    taken = [ports.take(port), ports.take(other)]
    ports.release()

    assert victim.read_text() == "everything"
    assert not missing.exists()
    assert not {port, other} & set(taken)


def test_what_lies_under_the_name_of_a_lock_is_not_emptied(shared: Path) -> None:
    port = free_port()
    lock(shared, port).write_text("mine")

    ports = Ports()
    assert ports.take(port) == port

    assert lock(shared, port).read_text() == "mine"
    ports.release()


def test_two_take_different_ports(shared: Path) -> None:
    one, other = Ports(), Ports()
    port = one.take(0)

    assert other.take(port) != port
    one.release()
    other.release()
    assert not list(shared.iterdir())


def test_where_no_lock_can_be_had_it_ends(shared: Path) -> None:
    shared.rmdir()

    with pytest.raises(UsageError, match="TMPDIR"):
        Ports().take(0)
