"""The lock of the state directory: one cluster uses it at a time.

The cluster and its guardian both hold it. So a cluster that gets it after a crash knows that the
guardian is done, and that no process of the cluster before still runs.
"""

import fcntl
import os
import time
from pathlib import Path

from dispatcher.local.cluster.apimachinery.errors import SetupError

_PATIENCE = 10.0
_PAUSE = 0.02


def lock_state(directory: Path) -> int:
    """Waits for the lock and returns its descriptor. Raises `SetupError`."""
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
