"""What an answer of the API server means where it is no success."""

from __future__ import annotations

import pytest

from dispatcher.domain.errors import (
    ClusterError,
    ClusterForbids,
    ClusterRefused,
    ClusterUnavailable,
)
from workers.kube.errors import HistoryGone, JobExists, NotThere, refusal

SAID = b'{"kind":"Status","message":"exceeded quota"}'


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, ClusterRefused),
        (401, ClusterUnavailable),  # a token that has run out is no word about the Job
        (403, ClusterForbids),
        (404, NotThere),
        (408, ClusterUnavailable),
        (409, JobExists),
        (410, HistoryGone),
        (422, ClusterRefused),
        (429, ClusterUnavailable),
        (500, ClusterUnavailable),
        (503, ClusterUnavailable),
        (302, ClusterUnavailable),
    ],
)
def test_a_definite_no_is_told_from_what_nobody_knows(code: int, kind: type[ClusterError]) -> None:
    error = refusal("create Job shop-1", code, {}, SAID)

    assert type(error) is kind
    assert str(error) == f"could not create Job shop-1: exceeded quota ({code})"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("2", 2), ("0", 0), ("3600", 60), ("Wed, 21 Oct 2026 07:28:00 GMT", 0), ("", 0)],
)
def test_it_says_when_to_come_again(header: str, seconds: float) -> None:
    error = refusal("list Jobs", 429, {"Retry-After": header}, b"<html>too many</html>")

    assert isinstance(error, ClusterUnavailable)
    assert error.retry_after == seconds
    assert "no reason given" in str(error)
