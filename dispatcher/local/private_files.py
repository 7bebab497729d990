"""Files and folders of the state directory, which hold tokens and secrets: only their owner may read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dispatcher.domain.errors import UsageError


def private_folder(path: Path) -> Path:
    """Makes the folder unless it exists. Raises UsageError if it belongs to another user or others may write in
    it: they could replace the programs and settings that `up` starts from there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat()
    if found.st_uid != os.getuid():
        raise UsageError(f"{path} belongs to another user; choose another --state-dir")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UsageError(f"others may write in {path}; run: chmod 700 {path}")
    return path


def write_private(path: Path, text: str) -> None:
    """Replaces a file in one step; only its owner may read it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)
