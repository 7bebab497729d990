"""What the API server's answers mean where it did not do what was asked: a no, or nobody knows."""

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
"""Seconds; whoever asks for more is asked again all the same."""
_AMBIGUOUS = frozenset({401, 408, 429})
"""401 too: a token that has run out says nothing about what was asked for."""


class JobExists(ClusterRefused):
    """409: the name is taken, or the uid in the request is not that of the object that has the name."""


class NotThere(ClusterRefused):
    """404: the object, or its namespace, does not exist (any more)."""


class HistoryGone(ClusterRefused):
    """410: the resourceVersion is too old for a watch; list again."""


def refusal(what: str, code: int, headers: Mapping[str, str], body: bytes) -> ClusterError:
    """The error for an answer that is no success; `what` was asked for."""
    text = f"could not {what}: {_message(body)} ({code})"
    if code in _AMBIGUOUS or not 400 <= code < 500:
        return ClusterUnavailable(text, _retry_after(headers.get("Retry-After", "")))
    kind = {403: ClusterForbids, 404: NotThere, 409: JobExists, 410: HistoryGone}.get(
        code, ClusterRefused
    )
    return kind(text)


def _retry_after(text: str) -> float:
    """The API server says it in whole seconds; a date is what somebody in between says."""
    return min(float(text), LONGEST_RETRY_AFTER) if text.isdecimal() else 0.0


def _message(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=Status).message or "no reason given"
    except msgspec.MsgspecError:
        return "no reason given"
