"""Tables, as `kubectl get` asks for them."""

from __future__ import annotations

import pytest

from dispatcher.local.cluster.apimachinery.resources import RESOURCES, Resource
from dispatcher.local.cluster.apiserver import table


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.plural)
def test_every_kind_has_columns(resource: Resource) -> None:
    assert resource in table._COLUMNS
