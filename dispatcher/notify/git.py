"""Runs the machine's `git` on a local repository. No other module does.

Every failure becomes the answer "unknown", so that `notify` reports a push even if Git is missing, slow,
or refuses the directory's owner.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

TIMEOUT = 5.0
"""Time-out of one `git` command in seconds: the person who pushes is waiting."""

MAX_PATHS = 3000


def commit_of(repository: Path, name: str) -> str:
    """The commit that `name` is, or that the annotated tag `name` points to; "" if unknown."""
    answer = _git(repository, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return (answer or b"").decode("ascii", "replace").strip()


def message_of(repository: Path, commit: str) -> str:
    """The whole message of a commit; "" if unknown."""
    form = ("--no-show-signature", "--encoding=UTF-8", "--format=%B")
    answer = _git(repository, "log", "-1", *form, commit, "--")
    return (answer or b"").decode("utf-8", "replace").strip()


def changed_paths(repository: Path, before: str, after: str) -> tuple[str, ...] | None:
    """The paths that differ between two commits; both names of a renamed file.

    None if unknown: also for more than MAX_PATHS paths, or names that are not UTF-8.
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
