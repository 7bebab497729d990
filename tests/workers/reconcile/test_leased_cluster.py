"""Calls under a lease: it is renewed before each request, also before each page of a list."""

from __future__ import annotations

import inspect
from typing import Any, cast

import pytest

from dispatcher.domain.errors import LeaseLost
from workers.kube.objects import ListMetadata, PodList
from workers.reconcile.leased_cluster import ClusterClient, LeasedCluster

ANYTHING: Any = "x"
REQUESTS = [name for name in vars(ClusterClient) if not name.startswith("_")]


class Requests:
    """Notes each request; lists of Pods have three pages."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def __getattr__(self, name: str) -> Any:
        def request(*args: Any) -> Any:
            self.done.append(name)
            if name != "page_of_pods":
                return None
            position = self.done.count(name)
            return PodList(ListMetadata(continue_=str(position) if position < 3 else ""))

        return request


def call(calls: LeasedCluster, name: str) -> None:
    method = getattr(calls, name)
    method(*[ANYTHING for _ in inspect.signature(method).parameters])


def as_it_is_called(request: str) -> str:
    return "pods" if request == "page_of_pods" else request


@pytest.mark.parametrize("request_", REQUESTS)
def test_the_lease_is_renewed_before_each_request(request_: str) -> None:
    requests = Requests()
    calls = LeasedCluster(cast(ClusterClient, requests), lambda: requests.done.append("renew"))

    call(calls, as_it_is_called(request_))

    assert requests.done == ["renew", request_] * (len(requests.done) // 2)
    assert len(requests.done) == (6 if request_ == "page_of_pods" else 2)


@pytest.mark.parametrize("request_", REQUESTS)
def test_nothing_is_asked_for_once_the_lease_is_lost(request_: str) -> None:
    def lost() -> None:
        raise LeaseLost("another worker holds it")

    requests = Requests()
    with pytest.raises(LeaseLost):
        call(LeasedCluster(cast(ClusterClient, requests), lost), as_it_is_called(request_))

    assert requests.done == []
