"""Free TCP ports on loopback."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from pathlib import Path
from typing import IO

from dispatcher.domain.errors import UsageError

TRIES = 100
"""Most ports that the kernel picks until `take` can lock one."""


def free_port(preferred: int = 0, host: str = "127.0.0.1") -> int:
    """The preferred port if it is free, else one that the kernel picks."""
    for port in (preferred, 0):
        if found := _probe(host, port):
            return found
    raise OSError(f"no free port on {host}")


class Ports:
    """Locks ports: no other `up` takes one between our finding it free and our listening on it."""

    def __init__(self) -> None:
        self._locks: list[tuple[Path, IO[str]]] = []

    def take(self, preferred: int) -> int:
        """The preferred port if neither a server nor another `up` has it, else any free one."""
        for candidate in (preferred, *[0] * TRIES):
            port = free_port(candidate)
            if self._lock(port):
                return port
        raise UsageError(
            f"no port could be locked: others hold {tempfile.gettempdir()}/git-dispatcher-*.lock; "
            "remove those, or set TMPDIR to a folder of your own"
        )

    def _lock(self, port: int) -> bool:
        """Others may write in the folder: this follows no symlink, and never truncates or writes a file."""
        path = Path(tempfile.gettempdir()) / f"git-dispatcher-{os.getuid()}-port-{port}.lock"
        try:
            file = os.fdopen(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._locks.append((path, file))
        return True

    def release(self) -> None:
        for path, file in self._locks:
            path.unlink(missing_ok=True)
            file.close()


def _probe(host: str, port: int) -> int:
    """The port if it can be listened on, else 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError:
            return 0
        return int(probe.getsockname()[1])
