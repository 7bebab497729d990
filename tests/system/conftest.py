"""One installation for all tests; every test brings targets of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.installation import Installation
from tests.system.outage import Outages

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who shares an installation runs in one process: to start another costs more than the tests would gain."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.xdist_group(_installation(item)))


def _installation(item: pytest.Item) -> str:
    if "outages" not in getattr(item, "fixturenames", ()):
        return "system"
    return "cluster-outages" if item.path.stem == "test_outages_cluster" else "redis-outages"


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("system"))
    installation.start()
    yield installation
    installation.stop()


@pytest.fixture(scope="package")
def outages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outages]:
    """Another one, which its tests may break and have to leave whole."""
    made = Outages(tmp_path_factory.mktemp("outages"))
    made.start()
    yield made
    made.stop()
