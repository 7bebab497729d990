"""The configuration follows its files, and the files of its secrets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from dispatcher.config.reloading import Reloader

CONFIGURATION = """\
version: 1
hooks:
  github: {provider: github, secrets: [{file: new}, {file: old}], repositories: ["**"]}
"""


@pytest.fixture
def reloader(tmp_path: Path) -> Reloader:
    (tmp_path / "new").write_text("number one\n")
    (tmp_path / "old").write_text("number two\n")
    (tmp_path / "c.yaml").write_text(CONFIGURATION)
    return Reloader(tmp_path / "c.yaml", {})


def secrets(reloader: Reloader) -> list[bytes]:
    return [each.reveal() for each in reloader.current.hooks["github"].secrets]


def test_nothing_is_read_again_where_nothing_has_changed(reloader: Reloader) -> None:
    before = reloader.current

    assert not reloader.changed()
    assert reloader.current is before


def test_a_secret_s_file_that_is_written_anew(reloader: Reloader, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("number three\n")

    assert reloader.changed()
    assert secrets(reloader) == [b"number three", b"number two"]
    assert not reloader.changed()


def test_one_of_the_same_length_that_takes_its_place(reloader: Reloader, tmp_path: Path) -> None:
    (tmp_path / "next").write_text("number six\n")
    before = (tmp_path / "new").stat()
    os.utime(tmp_path / "next", ns=(before.st_atime_ns, before.st_mtime_ns))
    (tmp_path / "next").replace(tmp_path / "new")

    assert reloader.changed()
    assert secrets(reloader) == [b"number six", b"number two"]


def test_a_mounted_secret_whose_link_leads_elsewhere(tmp_path: Path) -> None:
    """As Kubernetes does it: `file -> ..data/file`, and `..data` is replaced."""
    for name, value in (("..1", "number one"), ("..2", "number six")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "new").write_text(value)
    (tmp_path / "old").write_text("number two")
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "new").symlink_to("..data/new")
    (tmp_path / "c.yaml").write_text(CONFIGURATION)
    reloader = Reloader(tmp_path / "c.yaml", {})

    (tmp_path / "..next").symlink_to("..2")
    (tmp_path / "..next").replace(tmp_path / "..data")

    assert reloader.changed()
    assert secrets(reloader) == [b"number six", b"number two"]


@pytest.mark.parametrize("broken", ["", None])
def test_a_secret_that_is_away_for_a_moment_leaves_the_last_good_one(
    reloader: Reloader, tmp_path: Path, broken: str | None
) -> None:
    file = tmp_path / "new"
    file.write_text(broken) if broken is not None else file.unlink()
    with capture_logs() as logs:
        assert not reloader.changed()
        assert not reloader.changed()
    assert secrets(reloader) == [b"number one", b"number two"]
    assert len(logs) == 1
    assert "number one" not in str(logs).replace("good one", "")

    file.write_text("number three")
    assert reloader.changed()
    assert secrets(reloader) == [b"number three", b"number two"]


def test_a_secret_that_comes_after_the_configuration_that_names_it(
    reloader: Reloader, tmp_path: Path
) -> None:
    (tmp_path / "c.yaml").write_text(CONFIGURATION.replace("{file: new}", "{file: newest}"))
    with capture_logs():
        assert not reloader.changed()
        assert not reloader.changed()

    (tmp_path / "newest").write_text("number three")

    assert reloader.changed()
    assert secrets(reloader) == [b"number three", b"number two"]


def test_it_says_which_configuration_it_has_and_why_it_refuses_another(tmp_path: Path) -> None:
    clock = iter(range(100, 10_000, 10))
    file = tmp_path / "c.yaml"
    file.write_text("version: 1\n")
    reloader = Reloader(file, {}, clock=lambda: next(clock))  # reads it at 100
    good = reloader.loaded()
    assert (good.age, good.refused_for, good.mistakes) == (10_000, 0, ())

    file.write_text("version: 1\n" + "".join(f"nonsense{n}: 1\n" for n in range(9)))
    assert not reloader.changed()
    assert not reloader.changed()
    refused = reloader.loaded()

    assert refused.digest == good.digest
    assert refused.refused_for == 10_000
    assert len(refused.mistakes) == 5
    assert "nonsense0" in refused.mistakes[0]

    file.write_text("version: 1\ndeliveries: {keep: 5}\n")
    assert reloader.changed()
    better = reloader.loaded()
    assert better.digest != good.digest
    assert (better.age, better.refused_for, better.mistakes) == (10_000, 0, ())
