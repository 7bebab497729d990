"""Errors for failed requests to the API server: refused, or with an unknown result."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dispatcher.domain.errors import (
    ClusterError,
    ClusterForbids,
    ClusterRefused,
    ClusterUnavailable,
)
from workers.kube.objects import Status

LONGEST_RETRY_AFTER = 60
"""Seconds; a longer Retry-After is cut to this."""
_AMBIGUOUS = frozenset({401, 408, 429})
"""401 too: an expired token says nothing about the request itself."""


class JobExists(ClusterRefused):
    """409: the name is taken, or the uid in the request is not that of the object that has the name."""


class NotThere(ClusterRefused):
    """404: the object or its namespace does not exist, or no longer."""


class HistoryGone(ClusterRefused):
    """410: the resourceVersion is too old for a watch; list again."""


def refusal(what: str, code: int, headers: Mapping[str, str], body: bytes) -> ClusterError:
    """The error for an answer other than 2xx; `what` is the request, as in "could not {what}"."""
    text = f"could not {what}: {_message(body)} ({code})"
    if code in _AMBIGUOUS or not 400 <= code < 500:
        return ClusterUnavailable(text, _retry_after(headers.get("Retry-After", "")))
    kind = {403: ClusterForbids, 404: NotThere, 409: JobExists, 410: HistoryGone}.get(
        code, ClusterRefused
    )
    return kind(text)


def _retry_after(text: str) -> float:
    """The API server sends whole seconds; only a proxy would send a date, which is ignored."""
    return min(float(text), LONGEST_RETRY_AFTER) if text.isdecimal() else 0.0


def _message(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=Status).message or "no reason given"
    except msgspec.MsgspecError:
        return "no reason given"
