"""Merge patches. Pure; the inputs are not changed.

JSON merge patch is RFC 7386. Strategic merge is Kubernetes' own: it differs for the lists below,
which it merges by key. The official Python client sends a dict as a strategic merge patch.
https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

from typing import Any

_MERGE_KEYS = {
    "conditions": "type",
    "containers": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
_MERGED_SETS = frozenset({"finalizers"})
_DELETE_FROM = "$deleteFromPrimitiveList/"


def merge(target: Any, patch: Any) -> Any:
    """https://www.rfc-editor.org/rfc/rfc7386#section-2"""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def strategic_merge(target: Any, patch: Any) -> Any:
    """A merge patch in which some lists are merged by key and some are sets."""
    if not isinstance(patch, dict):
        return patch
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if key.startswith(_DELETE_FROM):
            _delete_from(result, key.removeprefix(_DELETE_FROM), value)
        elif key.startswith("$"):
            continue
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = _merge_value(key, result.get(key), value)
    return result


def _merge_value(key: str, old: Any, new: Any) -> Any:
    if isinstance(new, list) and isinstance(old, list):
        if key in _MERGED_SETS:
            return old + [each for each in new if each not in old]
        if merge_key := _MERGE_KEYS.get(key):
            return _merge_list(old, new, merge_key)
    return strategic_merge(old, new)


def _merge_list(old: list[Any], new: list[Any], key: str) -> list[Any]:
    merged = {item.get(key): item for item in old}
    for item in new:
        if item.get("$patch") == "delete":
            merged.pop(item.get(key), None)
        else:
            merged[item.get(key)] = strategic_merge(merged.get(item.get(key)), item)
    return list(merged.values())


def _delete_from(result: dict[str, Any], key: str, values: list[Any]) -> None:
    left = [each for each in result.get(key) or [] if each not in values]
    result[key] = left
