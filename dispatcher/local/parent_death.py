"""`python -m dispatcher.local.parent_death PARENT COMMAND …`: becomes the command, which dies with its parent.

The kernel kills a process that asked for it when its parent ends, even by SIGKILL; exec keeps the request.
https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
Elsewhere than on Linux there is no such call, and a killed `up` leaves its parts behind.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Ties this process to its parent, which is to be `parent`."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel was asked
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  # no shell is wanted
