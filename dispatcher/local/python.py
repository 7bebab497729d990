"""How Python processes of ours are started: with this very package, whatever the current directory holds."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import dispatcher

ROOT = str(Path(dispatcher.__file__).parents[1])


def program(name: str) -> str:
    """How a program of this very installation is called in a shell, whatever the PATH there is."""
    ours = Path(sys.executable).parent / name
    return shlex.quote(str(ours)) if ours.exists() else name


def python(*arguments: str) -> list[str]:
    """A command line; a `workers` folder of the user's own is not taken for ours."""
    return [sys.executable, "-P", *arguments]


def python_path() -> dict[str, str]:
    """The environment that goes with it."""
    others = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join(part for part in (ROOT, others) if part)}
