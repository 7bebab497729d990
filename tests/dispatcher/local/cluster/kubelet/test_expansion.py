from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.local.cluster.kubelet.expansion import expand

VALUES = {"A": "1", "B": "$(A)", "EMPTY": ""}


# After https://github.com/kubernetes/kubernetes/blob/master/third_party/forked/golang/expansion/expand_test.go
@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)", "1"),
        ("-$(A)-$(A)-", "-1-1-"),
        ("$(B)", "$(A)"),
        ("$(EMPTY)", ""),
        ("$(MISSING)", "$(MISSING)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$$$$(A)", "$$(A)"),
        ("$A", "$A"),
        ("$(A", "$(A"),
        ("$", "$"),
        ("$$", "$"),
        ("$()", "$()"),
        ("$(A))", "1)"),
        ("100%", "100%"),
    ],
)
def test_references(text: str, expanded: str) -> None:
    assert expand(text, VALUES) == expanded


@given(st.text(st.characters(exclude_characters="$")))
def test_what_has_no_dollar_is_left_alone(text: str) -> None:
    assert expand(text, VALUES) == text


@given(st.text("$()A", max_size=12))
def test_escaped_text_comes_out_as_it_was(text: str) -> None:
    assert expand(text.replace("$", "$$"), VALUES) == text
