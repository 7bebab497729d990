"""Events of a Job or a Pod: they say why where no state does.

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
"""What is said once nothing is in the way any more; others, such as SandboxChanged, come with each try."""


def of_events(events: Iterable[Event]) -> Cause | None:
    """What the newest warning says, None where there is none, or where it went on since."""
    said = sorted(events, key=_said_at)
    newest = next((event for event in reversed(said) if event.type == "Warning"), None)
    if newest is None or any(
        _said_at(event) > _said_at(newest) for event in said if _goes_on(event)
    ):
        return None
    return cause(_kind(newest), _about(newest), newest.message, retry=True)


def unreadable(error: str) -> Cause:
    """That there may be events which say why, for somebody with more rights or at another time."""
    text = "its events, which may say why, can't be read"
    return cause(CauseKind.UNKNOWN, text, error, retry=True)


def _goes_on(event: Event) -> bool:
    return event.type != "Warning" and event.reason in _PROGRESS


def _said_at(event: Event) -> datetime:
    return event.said_at or datetime.min.replace(tzinfo=UTC)


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
