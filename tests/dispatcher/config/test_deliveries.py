"""`deliveries`: how much of what comes is kept."""

from __future__ import annotations

import pytest

from dispatcher.config import describe
from tests.dispatcher.config.test_targets import Files, files  # noqa: F401  # a fixture


def test_the_defaults(files: Files) -> None:  # noqa: F811
    assert describe(files.read("version: 1"))["deliveries"] == {
        "keep": 1000,
        "keep_for": "3d",
        "max_bytes": "64MiB",
    }


def test_what_is_said_counts(files: Files) -> None:  # noqa: F811
    kept = files.read("version: 1\ndeliveries: {keep: 0, keep_for: 90m, max_bytes: 1GiB}")

    assert kept.deliveries.model_dump() == {
        "keep": 0,
        "keep_for": 5400,
        "max_bytes": 1024**3,
    }


@pytest.mark.parametrize(
    ("said", "mistake"),
    [
        ("{keep: -1}", "deliveries.keep: -1 is too small; 0 is the least"),
        ("{keep: 10001}", "deliveries.keep: 10001 is too large; 10000 is the most"),
        ("{keep_for: 31d}", 'deliveries.keep_for: "31d" is out of range'),
        ("{keep_for: 3}", "deliveries.keep_for: 3 is not a duration"),
        ("{max_bytes: 1KiB}", 'deliveries.max_bytes: "1KiB" is out of range'),
        ("{keeps: 3}", 'deliveries.keeps: is not a setting here; did you mean "keep"?'),
        ("3", "deliveries: 3 is not a mapping"),
    ],
)
def test_mistakes(files: Files, said: str, mistake: str) -> None:  # noqa: F811
    (line,) = files.mistakes(f"version: 1\ndeliveries: {said}")

    assert line.startswith(f"c.yaml:2: {mistake}")


def test_only_one_file_says_it(files: Files) -> None:  # noqa: F811
    files.write("version: 1\ndeliveries: {keep: 1}", "folder/a.yaml")
    files.write("version: 1\ndeliveries: {keep: 2}", "folder/b.yaml")

    (line,) = files.mistakes_in(files.directory / "folder")

    assert line == "folder/b.yaml:2: deliveries: is in folder/a.yaml:2 already; keep one of them"
