"""The list of mends that the models are measured with is true to the code."""

from __future__ import annotations

import pytest

from tests.model.power import MENDS, source


@pytest.mark.parametrize("name", MENDS)
def test_what_is_to_be_taken_out_stands_there(name: str) -> None:
    mend = MENDS[name]

    assert mend.text in source(mend)
    assert mend.without != mend.text
