from __future__ import annotations

import os
from pathlib import Path

import pytest

from dispatcher.local.cluster import state_lock
from dispatcher.local.cluster.apimachinery.errors import SetupError


def test_a_state_directory_is_one_clusters_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_lock, "_PATIENCE", 0.0)
    first = state_lock.lock_state(tmp_path)
    with pytest.raises(SetupError, match="another local cluster"):
        state_lock.lock_state(tmp_path)
    os.close(first)
    os.close(state_lock.lock_state(tmp_path))
