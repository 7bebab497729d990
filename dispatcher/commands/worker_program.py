"""Replaces this process by the program that acts on the cluster, `python -m workers`.

It is another program, so that nothing of it is imported here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import dispatcher


def exec_workers(verb: str, *arguments: str) -> NoReturn:
    """`verb` is a command of `python -m workers`."""
    sys.stdout.flush()
    sys.stderr.flush()
    # `workers` beside this package, never a folder `workers` in the current directory.
    paths = [str(Path(dispatcher.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-P", "-m", "workers", verb, *arguments]
    os.execve(sys.executable, command, environ)  # noqa: S606  # without a shell, on purpose
