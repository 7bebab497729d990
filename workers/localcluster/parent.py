"""Asking the kernel to be killed when the parent process dies. Linux only; elsewhere without effect.

https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def _load() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


kill_me_with_parent = _load()


def die_with_parent() -> None:
    """From now on SIGKILL follows the parent's death; a parent that has died already counts."""
    parent = os.getppid()
    if kill_me_with_parent:
        kill_me_with_parent()
        if os.getppid() != parent or parent == 1:
            os.kill(os.getpid(), signal.SIGKILL)
