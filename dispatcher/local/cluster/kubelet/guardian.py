"""A small process that outlives the cluster by a moment, to kill what the cluster has started.

It reads process groups from its standard input, `+<group>` and `-<group>`, one a line. When the
input ends, because the cluster has died in whatever way, it kills the groups that are left, and
then whatever else carries the mark of a Pod: processes that left their group, and one that was just
being started. The latter can't slip through, as it holds the pipe open until it runs.

It runs this file alone and without site packages, so it must import the standard library only.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# An environment variable that each container's processes inherit: their Pod's directory and a slash.
MARK = "LOCAL_CLUSTER_POD"

_PASSES = 500
_PAUSE = 0.002


class Guardian:
    """The cluster's end of the pipe. `pods` is the directory that holds the Pods'.

    `lock` is a descriptor that the guardian keeps open until it is done.
    """

    def __init__(self, pods: Path, lock: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(pods)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=(lock,),
        )

    def watch(self, group: int) -> None:
        self._send(f"+{group}\n")

    def forget(self, group: int) -> None:
        self._send(f"-{group}\n")

    def _send(self, line: str) -> None:
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


def kill_marked(directory: str | Path) -> None:
    """Kills the processes of one Pod, or of all, by the Pod's directory or the one around it.

    Again and again until none is left, because they may be starting others.
    """
    for _ in range(_PASSES):
        found = list(_marked(directory))
        for process in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        if not found:
            return
        time.sleep(_PAUSE)


def _marked(directory: str | Path) -> Iterator[int]:
    """The processes that carry the mark; none where there is no /proc."""
    mark = f"\0{MARK}={directory}/".encode()
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdecimal():
            with suppress(OSError), open(f"/proc/{name}/environ", "rb", buffering=0) as file:
                if mark in b"\0" + file.readall():
                    yield int(name)


def main(pods: str) -> None:
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
    kill_marked(pods)


if __name__ == "__main__":
    main(sys.argv[1])
