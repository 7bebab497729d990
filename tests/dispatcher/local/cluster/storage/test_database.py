from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from dispatcher.local.cluster.apimachinery.errors import SetupError
from dispatcher.local.cluster.apimachinery.resources import JOBS, SECRETS
from dispatcher.local.cluster.storage.database import Database


def an_object(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "home"}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "objects" / "objects.db"


def test_what_was_written_is_found_again(path: Path) -> None:
    first = Database(path)
    assert first.version() is None
    first.put(JOBS, an_object("a"), 7)
    first.put(SECRETS, an_object("b"), 8)
    first.remove(JOBS, an_object("a"), 9)
    first.close()
    second = Database(path)
    assert list(second.objects()) == [(SECRETS, an_object("b"))]
    assert second.version() == 9
    second.close()


def test_what_belongs_together_is_kept_even_when_a_step_breaks(path: Path) -> None:
    database = Database(path)

    def break_off() -> None:
        with database.step():
            database.put(JOBS, an_object("a"), 1)
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    assert database.version() == 1
    database.put(JOBS, an_object("b"), 2)
    assert len(list(database.objects())) == 2
    database.close()


def test_only_its_owner_may_read_it(path: Path) -> None:
    database = Database(path)
    database.put(SECRETS, an_object("a"), 1)
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    database.close()


def test_a_file_that_is_none_says_what_to_do(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else entirely" * 99)
    with pytest.raises(SetupError, match="move it away"):
        Database(path)
