"""A small process that outlives the cluster by a moment, to kill what the cluster has started.

It is told process groups over its standard input, `+<group>` and `-<group>`, one a line. When the
input ends, because the cluster has died in whatever way, it kills the groups that are left. It runs
this file alone and without the site packages, so it must import nothing but the standard library.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress


class Guardian:
    """The cluster's end of the pipe."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
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


def main() -> None:
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


if __name__ == "__main__":
    main()
