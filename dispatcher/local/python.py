"""Command lines of our Python processes: they import this package, whatever the current directory holds."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import dispatcher

ROOT = str(Path(dispatcher.__file__).parents[1])


def program(name: str) -> str:
    """A program of this installation, quoted for a shell, by its path whatever the shell's PATH is."""
    ours = Path(sys.executable).parent / name
    return shlex.quote(str(ours)) if ours.exists() else name


def python(*arguments: str) -> list[str]:
    """A command line; -P keeps Python from importing a `workers` folder in the current directory."""
    return [sys.executable, "-P", *arguments]


def python_path() -> dict[str, str]:
    """The environment for `python()`'s command lines."""
    others = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join(part for part in (ROOT, others) if part)}
