"""The cause that the events of a Job or Pod show, if no status does.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from dispatcher.domain.cause import CauseKind
from workers.causes.cause import Cause, cause
from workers.causes.refusals import of_words
from workers.kube.objects import Event

_MOUNT = frozenset({"FailedMount", "FailedAttachVolume", "FailedMapVolume", "VolumeResizeFailed"})
_NETWORK = frozenset({"FailedCreatePodSandBox", "NetworkNotReady", "FailedPodSandBoxStatus"})
_SCHEDULING = frozenset({"FailedScheduling", "Preempted", "NotTriggerScaleUp"})
_PROGRESS = frozenset({"SuccessfulCreate", "Scheduled", "Pulling", "Pulled", "Created", "Started"})
"""Reasons of events that show progress; others, such as SandboxChanged, come with each attempt."""


def of_events(events: Iterable[Event]) -> Cause | None:
    """The newest warning as a cause; None if there is none, or if a later event shows progress."""
    oldest_first = sorted(events, key=_seen_at)
    newest = next((event for event in reversed(oldest_first) if event.type == "Warning"), None)
    if newest is None or any(
        _seen_at(event) > _seen_at(newest) for event in oldest_first if _goes_on(event)
    ):
        return None
    return cause(_kind(newest), _about(newest), newest.message, retry=True)


def unreadable(error: str) -> Cause:
    """The cause if events cannot be read: somebody with more rights may find it in them."""
    text = "its events, which may say why, can't be read"
    return cause(CauseKind.UNKNOWN, text, error, retry=True)


def _goes_on(event: Event) -> bool:
    return event.type != "Warning" and event.reason in _PROGRESS


def _seen_at(event: Event) -> datetime:
    return event.last_seen_at or datetime.min.replace(tzinfo=UTC)


def _about(event: Event) -> str:
    return f"no Pod can be made: {event.reason}" if event.reason == "FailedCreate" else event.reason


def _kind(event: Event) -> CauseKind:
    if event.reason == "FailedCreate":
        return of_words(event.message)
    if event.reason in _MOUNT:
        return CauseKind.STORAGE
    if event.reason in _NETWORK:
        return CauseKind.NETWORK
    return CauseKind.SCHEDULING if event.reason in _SCHEDULING else CauseKind.UNKNOWN
