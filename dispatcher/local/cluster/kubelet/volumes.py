"""A Pod's directory and the volumes in it.

    <pod>/volumes/<name>/   one directory per volume
    <pod>/home/             working directory and HOME where nothing else is said

The only place that writes files for containers. It must not know processes.
"""

import shutil
from collections.abc import Collection
from pathlib import Path

from dispatcher.local.cluster.apimachinery.objects import Object
from dispatcher.local.cluster.apimachinery.resources import CONFIG_MAPS, SECRETS, Resource
from dispatcher.local.cluster.kubelet.environment import ConfigurationError, Lookup, contents


def prepare(pod: Object, directory: Path, lookup: Lookup) -> dict[str, Path]:
    """Makes the Pod's directories; returns each volume's. Raises `ConfigurationError`."""
    (directory / "home").mkdir(parents=True, exist_ok=True)
    volumes = {}
    for volume in pod["spec"].get("volumes") or []:
        path = directory / "volumes" / volume["name"]
        path.mkdir(parents=True, exist_ok=True)
        _fill(volume, path, lookup)
        volumes[volume["name"]] = path
    _make_sub_paths(pod, volumes)
    return volumes


def remove(directory: Path) -> None:
    """Deletes a Pod's directory; what can't be deleted stays until the next start."""
    shutil.rmtree(directory, ignore_errors=True)


def tidy(pods: Path, known: Collection[str]) -> None:
    """Before the first Pod starts: removes all files of earlier Pods but their logs.

    `known` are the uids of the Pods that are still there.
    """
    for directory in pods.iterdir() if pods.is_dir() else ():
        if directory.name in known:
            remove(directory / "home")
            remove(directory / "volumes")
        else:
            remove(directory)


def _fill(volume: Object, path: Path, lookup: Lookup) -> None:
    if "emptyDir" in volume:
        return
    for field, resource, key in (
        ("secret", SECRETS, "secretName"),
        ("configMap", CONFIG_MAPS, "name"),
    ):
        if field in volume:
            _write_files(volume[field], resource, str(volume[field].get(key)), path, lookup)
            return
    raise ConfigurationError(
        f"volume {volume['name']!r}: the local cluster has emptyDir, secret and configMap only"
    )


def _write_files(source: Object, resource: Resource, name: str, path: Path, lookup: Lookup) -> None:
    found = lookup(resource, name)
    if found is None:
        if source.get("optional"):
            return
        raise ConfigurationError(f'{resource.kind.lower()} "{name}" not found')
    files = contents(found)
    items = {item["key"]: item["path"] for item in source.get("items") or []}
    if missing := items.keys() - files.keys():
        raise ConfigurationError(f"references non-existent {resource.kind} key: {min(missing)}")
    mode = int(source.get("defaultMode") or 0o644)
    for key, value in files.items():
        if not items or key in items:
            _write(path, items.get(key, key), value, mode)


def _write(directory: Path, name: str, value: bytes, mode: int) -> None:
    target = (directory / name).resolve()
    if not target.is_relative_to(directory.resolve()):
        raise ConfigurationError(f"a volume's file must stay inside it: {name!r}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    target.write_bytes(value)
    target.chmod(mode)


def _make_sub_paths(pod: Object, volumes: dict[str, Path]) -> None:
    spec = pod["spec"]
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        for mount in container.get("volumeMounts") or []:
            target = volumes[mount["name"]] / (mount.get("subPath") or "")
            if not target.exists():
                target.mkdir(parents=True)
