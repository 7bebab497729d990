"""Requests, parsed and checked: query parameters, bodies and patches.

It must not read or write objects.
"""

import random
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from dispatcher.local.cluster.apimachinery.api_errors import (
    BadRequest,
    Invalid,
    UnsupportedMediaType,
)
from dispatcher.local.cluster.apimachinery.resources import Resource
from dispatcher.local.cluster.apimachinery.selectors import Selector
from dispatcher.local.cluster.apiserver import json_patch
from dispatcher.local.cluster.apiserver.merge_patch import merge, strategic_merge
from dispatcher.local.cluster.apiserver.paging import ListOptions, Token
from dispatcher.local.cluster.apiserver.watch import WatchOptions
from dispatcher.local.cluster.kubelet.logs import LogOptions

Query = Mapping[str, str]

_PATCHES: dict[str, Callable[[Any, Any], Any]] = {
    "application/merge-patch+json": merge,
    "application/strategic-merge-patch+json": strategic_merge,
    "application/json-patch+json": json_patch.apply,
}


def is_true(query: Query, name: str) -> bool:
    return query.get(name, "").lower() in ("1", "t", "true")


def number(query: Query, name: str) -> int | None:
    """A whole number that isn't negative."""
    text = query.get(name)
    if not text:
        return None
    if not text.isdecimal():
        raise BadRequest(f"{name}: Invalid value: {text!r}: must be a number of 0 or more")
    return int(text)


def selector(query: Query, resource: Resource) -> Selector:
    labels, fields = query.get("labelSelector", ""), query.get("fieldSelector", "")
    return Selector.parse(labels, fields, resource)


def list_options(query: Query, resource: Resource, namespace: str) -> ListOptions:
    """https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list"""
    version, match = number(query, "resourceVersion"), query.get("resourceVersionMatch")
    token = query.get("continue")
    if token and version:
        raise BadRequest("specifying resource version is not allowed when using continue")
    if match and version is None:
        raise BadRequest("resourceVersionMatch is forbidden unless resourceVersion is provided")
    return ListOptions(
        namespace=namespace,
        selector=selector(query, resource),
        limit=number(query, "limit") or 0,
        token=Token.decode(token) if token else None,
        version=version if match == "Exact" else None,
    )


def watch_options(query: Query, resource: Resource, namespace: str) -> WatchOptions:
    """Version 0 and none at all both ask for the present state first.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-watch
    """
    initial = is_true(query, "sendInitialEvents")
    since = None if initial else number(query, "resourceVersion") or None
    # Without a timeout a real API server also ends a watch after 30 to 60 minutes.
    default = random.uniform(1800, 3600)  # noqa: S311 - it only spreads the load
    return WatchOptions(
        namespace=namespace,
        selector=selector(query, resource),
        since=since,
        bookmarks=is_true(query, "allowWatchBookmarks"),
        timeout=float(number(query, "timeoutSeconds") or default),
        initial_end=initial,
    )


def log_options(query: Query) -> LogOptions:
    return LogOptions(
        tail=number(query, "tailLines"),
        limit=number(query, "limitBytes"),
        follow=is_true(query, "follow"),
        timestamps=is_true(query, "timestamps"),
        since=moment(query, "sinceTime"),
    )


def moment(query: Query, name: str) -> int | None:
    """A time in RFC 3339 as nanoseconds since the epoch. As in a real API server only its seconds count:
    https://github.com/kubernetes/apimachinery/blob/master/pkg/apis/meta/v1/time.go"""
    text = query.get(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadRequest(f"{name}: Invalid value: {text!r}: must be a time in RFC 3339")
    return int(found.timestamp()) * 10**9


def decode(content_type: str, body: bytes) -> Any:
    """A JSON body; None if it is empty."""
    media = content_type.partition(";")[0].strip()
    if media and "json" not in media:
        raise UnsupportedMediaType(
            f"the body of the request was in an unknown format - accepted media types include: "
            f"application/json; got {media}"
        )
    if not body.strip():
        return {}
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise BadRequest(f"the object provided is unrecognized: {error}") from error


def patcher(content_type: str, body: bytes) -> Callable[[Any], Any]:
    """The change that a patch asks for, as a function of the object."""
    media = content_type.partition(";")[0].strip()
    apply = _PATCHES.get(media)
    if apply is None:
        raise UnsupportedMediaType(
            f"the body of the request was in an unknown format - accepted media types include: "
            f"{', '.join(_PATCHES)}; got {media}"
        )
    patch = decode("", body)
    if not isinstance(patch, list if apply is json_patch.apply else dict):
        raise BadRequest("a JSON patch must be a list, any other an object")
    return lambda target: _patched(apply, target, patch)


def _patched(apply: Callable[[Any, Any], Any], target: Any, patch: Any) -> Any:
    try:
        return apply(target, patch)
    except json_patch.PatchError as error:
        raise Invalid(str(error)) from error
