"""Mount paths, without mounting: which host path a container's path stands for. It touches no file.

There is no mount namespace, so only whole values that are, or begin with, a mount path are
rewritten; paths inside of scripts stay as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dispatcher.local.cluster.apimachinery.objects import Object


@dataclass(frozen=True, slots=True)
class Mounts:
    """A container's mount paths and the host paths behind them; `root` is the Pod's directory."""

    root: Path
    paths: Mapping[PurePosixPath, Path]

    def rewrite(self, value: str) -> str:
        """The value with its mount path, the longest that fits, replaced by the host's path."""
        if not value.startswith("/") or self._is_inside(value):
            return value
        wanted = PurePosixPath(value)
        for mount in sorted(self.paths, key=lambda each: len(each.parts), reverse=True):
            if wanted.is_relative_to(mount):
                rest = value[len(str(mount)) :] if value.startswith(str(mount)) else ""
                return str(self.paths[mount]) + rest
        return value

    def _is_inside(self, value: str) -> bool:
        return PurePosixPath(value).is_relative_to(self.root)


def mounts_of(container: Object, volumes: Mapping[str, Path], root: Path) -> Mounts:
    """`volumes` are the directories behind the Pod's volumes, by name."""
    paths = {}
    for mount in container.get("volumeMounts") or []:
        target = volumes[mount["name"]]
        if mount.get("subPath"):
            target = target / mount["subPath"]
        paths[PurePosixPath(mount["mountPath"])] = target
    return Mounts(root, paths)
