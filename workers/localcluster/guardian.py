"""A small process that outlives the cluster by a moment, to kill what the cluster has started.

It is told process groups over its standard input, `+<group>` and `-<group>`, one a line. When the
input ends, because the cluster has died in whatever way, it kills the groups that are left, and
then whatever else has a home among the Pods' directories: processes that left their group, and one
that was just being started. The latter can't slip through, as it holds the pipe open until it runs.

It runs this file alone and without site packages, so it must import the standard library only.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PASSES = 20


class Guardian:
    """The cluster's end of the pipe. `home` is the directory that holds the Pods'."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(home)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def watch(self, group: int) -> None:
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        self._tell(f"-{group}\n")

    def _tell(self, line: str) -> None:
        pipe = self._process.stdin
        if pipe is not None and not pipe.closed:
            # A guardian that is gone guards nothing, but the cluster still works.
            with suppress(BrokenPipeError):
                os.write(pipe.fileno(), line.encode())

    def close(self) -> None:
        """Lets the guardian end; it kills what it still watches."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()


def kill_group(group: int, number: int = signal.SIGKILL) -> None:
    """Signals a process group that may have gone, or that holds others' processes only."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _at_home(directory: str) -> Iterator[int]:
    """The processes whose HOME is below a directory; none where there is no /proc."""
    mark = f"\0HOME={directory}/".encode()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in b"\0" + entry.read_bytes():
                yield int(entry.parent.name)


def _kill_at_home(directory: str) -> None:
    """Kills until nobody is left; again and again, because they may be starting others."""
    for _ in range(_PASSES):
        found = list(_at_home(directory))
        for process in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        if not found:
            return


def main(home: str) -> None:
    """Reads groups until the input ends, then kills those that are left."""
    groups: set[int] = set()
    for line in sys.stdin:
        change, group = line[0], int(line[1:])
        if change == "+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        kill_group(group)
    _kill_at_home(home)


if __name__ == "__main__":
    main(sys.argv[1])
