from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.local.cluster.kubelet.mounts import mounts_of

ROOT = Path("/state/pods/1")
VOLUMES = {"work": ROOT / "volumes/work", "cache": ROOT / "volumes/cache"}
CONTAINER = {
    "volumeMounts": [
        {"name": "work", "mountPath": "/work"},
        {"name": "cache", "mountPath": "/work/cache/"},
        {"name": "work", "mountPath": "/key", "subPath": "keys/one"},
    ]
}


@pytest.mark.parametrize(
    ("value", "rewritten"),
    [
        ("/work", "/state/pods/1/volumes/work"),
        ("/work/", "/state/pods/1/volumes/work/"),
        ("/work/a/b", "/state/pods/1/volumes/work/a/b"),
        ("/work/cache/x", "/state/pods/1/volumes/cache/x"),
        ("/workshop", "/workshop"),
        ("/key", "/state/pods/1/volumes/work/keys/one"),
        ("/usr/bin", "/usr/bin"),
        ("work/a", "work/a"),
        ("see /work", "see /work"),
        ("", ""),
    ],
)
def test_values_that_begin_with_a_mount_path_are_rewritten(value: str, rewritten: str) -> None:
    assert mounts_of(CONTAINER, VOLUMES, ROOT).rewrite(value) == rewritten


def test_a_value_is_not_rewritten_twice() -> None:
    container = {"volumeMounts": [{"name": "work", "mountPath": "/state"}]}
    mounts = mounts_of(container, VOLUMES, ROOT)
    once = mounts.rewrite("/state/a")
    assert mounts.rewrite(once) == once
