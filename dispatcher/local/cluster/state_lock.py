"""Whose state directory it is: one cluster's at a time, together with what it has started.

The lock is held by the cluster and by its guardian. So whoever gets it after a crash knows that
the guardian is done, and that nothing of the life before still runs.
"""

import fcntl
import os
import time
from pathlib import Path

from dispatcher.local.cluster.apimachinery.errors import SetupError

_PATIENCE = 10.0
_PAUSE = 0.02


def occupy(directory: Path) -> int:
    """Waits for its turn; returns the lock's descriptor. Raises `SetupError`."""
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    end = time.monotonic() + _PATIENCE
    while not _try(descriptor):
        if time.monotonic() > end:
            os.close(descriptor)
            raise SetupError(f"{directory}: another local cluster runs with this state directory")
        time.sleep(_PAUSE)
    return descriptor


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
