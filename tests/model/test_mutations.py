"""The list of mutations that the models are measured with matches the code."""

from __future__ import annotations

import pytest

from tests.model.mutations import MUTATIONS, source


@pytest.mark.parametrize("name", MUTATIONS)
def test_the_code_has_what_a_mutation_replaces(name: str) -> None:
    mutation = MUTATIONS[name]

    assert mutation.original in source(mutation)
    assert mutation.mutated != mutation.original
