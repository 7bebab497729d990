"""A delivery is read the same whether or not its origin is proved; it is only not acted upon."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.webhooks import PROVIDERS, Received, read_unproved
from tests.dispatcher.webhooks.support import names, sent


@pytest.mark.parametrize("name", names())
def test_it_says_the_same(name: str) -> None:
    delivery = sent(name)

    proved = delivery.answer()
    unproved = read_unproved(delivery.provider, delivery.raw_headers, delivery.body)

    if isinstance(proved, Received):
        proved = msgspec.structs.replace(proved, secret=0)
    assert unproved == proved


@given(st.sampled_from(sorted(PROVIDERS)), st.data())
def test_nothing_that_is_sent_raises(provider: str, data: st.DataObject) -> None:
    fixture = sent(data.draw(st.sampled_from([n for n in names() if n.startswith(f"{provider}/")])))
    place = data.draw(st.integers(0, len(fixture.body)))
    body = fixture.body[:place] + data.draw(st.binary(max_size=8)) + fixture.body[place + 4 :]
    headers = data.draw(st.lists(st.sampled_from(fixture.raw_headers)))

    assert read_unproved(provider, headers, body)
