"""Asks the `git` of this machine about a repository on its disk: the only place that runs it.

Every answer may be "unknown", and every failure is that: a push is reported also where Git is missing,
slow, or does not like the owner of the directory.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

TIMEOUT = 5.0
"""Seconds for one question: someone who pushes waits for the answer."""

MAX_PATHS = 3000


def commit_of(repository: Path, name: str) -> str:
    """The commit that the object `name` is, or that the annotated tag `name` stands for; "" unknown."""
    answer = _git(repository, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return (answer or b"").decode("ascii", "replace").strip()


def message_of(repository: Path, commit: str) -> str:
    """The whole message of a commit; "" where it is unknown."""
    form = ("--no-show-signature", "--encoding=UTF-8", "--format=%B")
    answer = _git(repository, "log", "-1", *form, commit, "--")
    return (answer or b"").decode("utf-8", "replace").strip()


def changed_paths(repository: Path, before: str, after: str) -> tuple[str, ...] | None:
    """What differs between two commits, both names of what was renamed.

    None where that is unknown: also for more than MAX_PATHS, and names that are not UTF-8.
    """
    form = ("--name-only", "--no-renames", "--no-ext-diff", "--no-relative", "-z")
    answer = _git(repository, "diff", *form, before, after, "--")
    if answer is None or answer.count(b"\0") > MAX_PATHS:
        return None
    try:
        return tuple(path for path in answer.decode("utf-8").split("\0") if path)
    except UnicodeDecodeError:
        return None


def _git(repository: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=repository,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None
