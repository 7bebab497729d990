"""`python -m dispatcher.local.parent_death PARENT COMMAND …`: becomes the command, which dies with its parent.

When a parent ends, even by SIGKILL, the kernel kills each child that asked for that; exec keeps the request.
https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
Only Linux has this call: elsewhere the processes of a killed `up` keep running.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Has the kernel kill this process when its parent, whose id is `parent`, ends."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended before the call
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  # no shell is wanted
