from __future__ import annotations

import os
from pathlib import Path

import pytest

from dispatcher.local.cluster import occupancy
from dispatcher.local.cluster.errors import SetupError


def test_a_state_directory_is_one_clusters_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(occupancy, "_PATIENCE", 0.0)
    first = occupancy.occupy(tmp_path)
    with pytest.raises(SetupError, match="another local cluster"):
        occupancy.occupy(tmp_path)
    os.close(first)
    os.close(occupancy.occupy(tmp_path))
