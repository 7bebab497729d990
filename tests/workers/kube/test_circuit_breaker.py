"""A namespace that does not answer is left alone for a moment, and no other is."""

from __future__ import annotations

import pytest

from dispatcher.domain.errors import ClusterUnavailable
from workers.kube.circuit_breaker import OPEN_SECONDS, CircuitBreaker

JOBS = "/apis/batch/v1/namespaces/{}/jobs"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(clock)


def ask(
    breaker: CircuitBreaker,
    clock: Clock,
    namespace: str,
    takes: float,
    *,
    fails: bool,
    path: str = JOBS,
) -> None:
    with breaker.guard("create Job shop-1", path.format(namespace)):
        clock.now += takes
        if fails:
            raise ClusterUnavailable("could not create Job shop-1: no answer")


def is_asked(breaker: CircuitBreaker, clock: Clock, namespace: str) -> bool:
    try:
        ask(breaker, clock, namespace, 0, fails=False)
    except ClusterUnavailable:
        return False
    return True


def test_after_a_time_out_the_namespace_is_not_asked_for_a_moment(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    with pytest.raises(ClusterUnavailable):
        ask(breaker, clock, "mute", 3, fails=True)

    with pytest.raises(ClusterUnavailable, match="namespace mute did not answer a moment ago"):
        ask(breaker, clock, "mute", 0, fails=False)
    assert is_asked(breaker, clock, "other")
    clock.now += OPEN_SECONDS
    assert is_asked(breaker, clock, "mute")


def test_a_quick_refusal_keeps_nobody_busy(breaker: CircuitBreaker, clock: Clock) -> None:
    with pytest.raises(ClusterUnavailable):
        ask(breaker, clock, "mute", 0.1, fails=True)

    assert is_asked(breaker, clock, "mute")


def test_a_node_that_gives_no_log_keeps_nobody_from_its_namespace(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    with pytest.raises(ClusterUnavailable):
        ask(breaker, clock, "mute", 3, fails=True, path="/api/v1/namespaces/{}/pods/shop-1-x/log")

    assert is_asked(breaker, clock, "mute")
