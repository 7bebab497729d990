"""How large a Pod's volumes may grow.

A real kubelet looks every ten seconds. https://kubernetes.io/docs/concepts/storage/volumes/#emptydir
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from dispatcher.local.cluster.apimachinery.objects import Object
from dispatcher.local.cluster.apimachinery.quantities import parse


def overrun(volumes: Sequence[Object], paths: Mapping[str, Path]) -> str:
    """The eviction message for the first volume that exceeds its limit; empty if none does."""
    for volume in volumes:
        name, limit = volume["name"], volume["emptyDir"]["sizeLimit"]
        if name in paths and _size(paths[name]) > parse(limit):
            return f'Usage of EmptyDir volume "{name}" exceeds the limit "{limit}". '
    return ""


def _size(directory: Path) -> int:
    """In bytes; what vanishes meanwhile doesn't count."""
    total = 0
    for folder, _, files in os.walk(directory):
        for name in files:
            with suppress(OSError):
                total += Path(folder, name).lstat().st_size
    return total
