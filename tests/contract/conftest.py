"""One cluster per test process, one namespace per test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, config

from tests.contract.cluster import Cluster, unique
from tests.contract.localprocess import local_cluster
from tests.contract.waiting import until_one


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A cluster whose certificate nobody verifies is one to test on too; urllib3 warns at each request."""
    if config.getoption("--kube-context", default=None):
        for item in items:
            unverified = "ignore::urllib3.exceptions.InsecureRequestWarning"
            item.add_marker(pytest.mark.filterwarnings(unverified))


@pytest.fixture(scope="session")
def kube_context(request: pytest.FixtureRequest) -> str | None:
    """The context of a real cluster, where the tests are to run on one."""
    context: str | None = request.config.getoption("--kube-context", default=None)
    return context


def client_of(**options: Any) -> client.ApiClient:
    api: client.ApiClient = config.new_client_from_config(**options)  # type: ignore[no-untyped-call]
    return api


@pytest.fixture(scope="session")
def api_client(
    kube_context: str | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[client.ApiClient]:
    if kube_context:
        with client_of(context=kube_context) as api:
            yield api
        return
    with (
        local_cluster(tmp_path_factory.mktemp("cluster"), "--pod-backoff", "0.2") as local,
        client_of(config_file=str(local.kubeconfig)) as api,
    ):
        yield api


@pytest.fixture
def namespace(api_client: client.ApiClient) -> Iterator[str]:
    """A namespace of the test's own, deleted afterwards with all that is in it."""
    core: Any = client.CoreV1Api(api_client)
    name = unique("contract")
    core.create_namespace({"metadata": {"name": name}})
    # Pods are refused until the namespace has its service account.
    until_one(core.list_namespaced_service_account, name, "default")
    yield name
    core.delete_namespace(name)


@pytest.fixture
def cluster(api_client: client.ApiClient, namespace: str) -> Cluster:
    return Cluster(client.CoreV1Api(api_client), client.BatchV1Api(api_client), namespace)
