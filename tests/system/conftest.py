"""One installation per test process; every test brings targets of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.installation import Installation
from tests.system.outage import Outages


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("system"))
    installation.start()
    yield installation
    installation.stop()


@pytest.fixture(scope="session")
def outages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outages]:
    """Another one, which its tests may break and have to leave whole."""
    made = Outages(tmp_path_factory.mktemp("outages"))
    made.start()
    yield made
    made.stop()
