"""Events as controllers and kubelets say them, and what kind of cause each is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from dispatcher.domain.cause import CauseKind
from workers.causes.events import of_events, unreadable
from workers.kube.objects import Event, EventSeries

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def warning(reason: str, message: str, minutes: int = 0) -> Event:
    said = NOW + timedelta(minutes=minutes)
    return Event(type="Warning", reason=reason, message=message, last_timestamp=said)


@pytest.mark.parametrize(
    ("reason", "message", "kind"),
    [
        (
            "FailedCreate",
            'Error creating: pods "a-" is forbidden: exceeded quota: q, requested: pods=1',
            CauseKind.QUOTA,
        ),
        (
            "FailedCreate",
            'Error creating: pods "a-" is forbidden: failed quota: q: must specify limits.cpu',
            CauseKind.QUOTA,
        ),
        (
            "FailedCreate",
            'Error creating: pods "a-" is forbidden: violates PodSecurity "restricted:latest"',
            CauseKind.ADMISSION,
        ),
        (
            "FailedCreate",
            'Error creating: pods "a-" is forbidden: error looking up service account ns/x:'
            ' serviceaccount "x" not found',
            CauseKind.ADMISSION,
        ),
        (
            "FailedCreate",
            'Error creating: admission webhook "policy.example" denied the request: no',
            CauseKind.ADMISSION,
        ),
        ("FailedCreate", "Error creating: Timeout: request did not complete", CauseKind.UNKNOWN),
        ("FailedMount", 'MountVolume.SetUp failed for volume "v"', CauseKind.STORAGE),
        ("FailedAttachVolume", "Multi-Attach error for volume", CauseKind.STORAGE),
        ("FailedCreatePodSandBox", "Failed to create pod sandbox: cni", CauseKind.NETWORK),
        ("NetworkNotReady", "network is not ready: cni config", CauseKind.NETWORK),
        ("FailedScheduling", "0/3 nodes are available", CauseKind.SCHEDULING),
        ("SomethingNew", "words", CauseKind.UNKNOWN),
    ],
)
def test_an_event_has_a_kind_and_its_words(reason: str, message: str, kind: CauseKind) -> None:
    found = of_events([warning(reason, message)])

    assert found is not None
    assert (found.kind, found.retry) == (kind, True)
    assert found.why.endswith(f"{reason}: {message}")


def test_the_newest_warning_counts_whichever_of_the_times_it_has() -> None:
    series = Event(
        type="Warning",
        reason="FailedMount",
        message="newest",
        event_time=NOW,
        series=EventSeries(NOW + timedelta(minutes=5)),
    )
    normal = Event(
        type="Normal", reason="SandboxChanged", last_timestamp=NOW + timedelta(minutes=9)
    )
    nameless = Event(type="Warning", reason="Odd", message="no time at all")

    found = of_events([nameless, series, warning("FailedMount", "older", 4), normal])

    assert found is not None
    assert found.why == "FailedMount: newest"


def test_what_has_passed_is_reported_no_more() -> None:
    mount = warning("FailedMount", "no such secret", 1)
    pulls = Event(type="Normal", reason="Pulling", last_timestamp=NOW + timedelta(minutes=2))

    assert of_events([mount, pulls]) is None
    assert of_events([pulls, warning("FailedMount", "no such secret", 2)]) is not None


def test_nothing_is_reported_where_all_is_normal() -> None:
    assert of_events([]) is None
    assert of_events([Event(type="Normal", reason="Scheduled")]) is None


def test_an_event_of_either_api_is_read() -> None:
    raw = (
        b'{"type":"Warning","reason":"FailedMount","message":"m","eventTime":"2030-01-01T00:00:00.123456Z",'
        b'"lastTimestamp":null,"firstTimestamp":null,"series":{"count":2,'
        b'"lastObservedTime":"2030-01-01T00:05:00.123456Z"}}'
    )
    event = msgspec.json.decode(raw, type=Event)

    assert event.last_seen_at == NOW + timedelta(minutes=5, microseconds=123456)


def test_that_they_cannot_be_read_is_a_cause_too() -> None:
    found = unreadable("could not list Events: forbidden (403)")

    assert (found.kind, found.retry) == (CauseKind.UNKNOWN, True)
    assert "403" in found.why
