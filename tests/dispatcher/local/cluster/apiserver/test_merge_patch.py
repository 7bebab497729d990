from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.local.cluster.apiserver.merge_patch import merge, strategic_merge

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


# https://www.rfc-editor.org/rfc/rfc7386#appendix-A
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_standard(target: Any, patch: Any, result: Any) -> None:
    assert merge(target, patch) == result


@given(JSON, JSON)
def test_a_patch_changes_neither_of_its_inputs_and_twice_is_once(target: Any, patch: Any) -> None:
    before = deepcopy((target, patch))
    once = merge(target, patch)
    assert (target, patch) == before
    assert merge(once, patch) == once


def test_strategic_merge_adds_to_sets() -> None:
    target = {"finalizers": ["a"], "other": [1]}
    patch = {"finalizers": ["b", "a"], "other": [2]}
    assert strategic_merge(target, patch) == {"finalizers": ["a", "b"], "other": [2]}


def test_strategic_merge_takes_from_sets() -> None:
    patch = {"$deleteFromPrimitiveList/finalizers": ["a"]}
    assert strategic_merge({"finalizers": ["a", "b"]}, patch) == {"finalizers": ["b"]}


def test_strategic_merge_merges_lists_by_key() -> None:
    target = {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    patch = {
        "$setElementOrder/env": [{"name": "A"}, {"name": "C"}],
        "env": [{"name": "A", "value": "3"}, {"name": "B", "$patch": "delete"}, {"name": "C"}],
    }
    assert strategic_merge(target, patch) == {"env": [{"name": "A", "value": "3"}, {"name": "C"}]}


def test_strategic_merge_can_replace() -> None:
    assert strategic_merge({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}) == {"a": {"c": 2}}
