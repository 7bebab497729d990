"""Programs that some tests need and no Python package brings."""

from __future__ import annotations

import os
import shutil

import pytest

EVERYTHING = "TESTS_NEED_EVERYTHING"
"""Variable that continuous integration sets: where a program is missing, the test fails and is not skipped."""


def installed(package: str, *names: str) -> str:
    """The path of the first of the programs that is there; without one, the test is skipped or fails."""
    for name in names:
        if path := shutil.which(name):
            return path
    why = f"none of {', '.join(names)} is installed: apt-get install {package}"
    if os.environ.get(EVERYTHING):
        pytest.fail(why)
    pytest.skip(why)
