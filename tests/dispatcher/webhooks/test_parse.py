"""A delivery is parsed the same whether or not it is authenticated; it is only not acted upon."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.webhooks.receiving import parse_request
from dispatcher.webhooks.registry import PROVIDERS
from dispatcher.webhooks.results import Received
from tests.dispatcher.webhooks.support import names, sent


@pytest.mark.parametrize("name", names())
def test_it_says_the_same(name: str) -> None:
    delivery = sent(name)

    authenticated = delivery.answer()
    parsed = parse_request(delivery.provider, delivery.raw_headers, delivery.body)

    if isinstance(authenticated, Received):
        authenticated = msgspec.structs.replace(authenticated, secret=0)
    assert parsed == authenticated


@given(st.sampled_from(sorted(PROVIDERS)), st.data())
def test_nothing_that_is_sent_raises(provider: str, data: st.DataObject) -> None:
    fixture = sent(data.draw(st.sampled_from([n for n in names() if n.startswith(f"{provider}/")])))
    place = data.draw(st.integers(0, len(fixture.body)))
    body = fixture.body[:place] + data.draw(st.binary(max_size=8)) + fixture.body[place + 4 :]
    headers = data.draw(st.lists(st.sampled_from(fixture.raw_headers)))

    assert parse_request(provider, headers, body)
