from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.local.cluster.apiserver.json_patch import PatchError, apply

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab~/", max_size=2), inner),
    max_leaves=8,
)
PATHS = st.lists(st.sampled_from(["a", "b", "~0", "~1", "0", "1", "-", ""]), max_size=3).map(
    lambda parts: "".join(f"/{part}" for part in parts)
)
OPERATIONS = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
        "path": PATHS,
        "from": PATHS,
        "value": JSON,
    }
)


# https://www.rfc-editor.org/rfc/rfc6902#appendix-A
@pytest.mark.parametrize(
    ("target", "operation", "result"),
    [
        ({"a": 1}, {"op": "add", "path": "/b", "value": 2}, {"a": 1, "b": 2}),
        ({"a": [1, 3]}, {"op": "add", "path": "/a/1", "value": 2}, {"a": [1, 2, 3]}),
        ({"a": [1]}, {"op": "add", "path": "/a/-", "value": [2]}, {"a": [1, [2]]}),
        ({"a": 1, "b": 2}, {"op": "remove", "path": "/b"}, {"a": 1}),
        ({"a": [1, 2, 3]}, {"op": "remove", "path": "/a/1"}, {"a": [1, 3]}),
        ({"a": 1}, {"op": "replace", "path": "/a", "value": None}, {"a": None}),
        ({"a": {"b": 1}, "c": {}}, {"op": "move", "from": "/a/b", "path": "/c/d"},
         {"a": {}, "c": {"d": 1}}),
        ({"a": [1, 2, 3]}, {"op": "move", "from": "/a/0", "path": "/a/2"}, {"a": [2, 3, 1]}),
        ({"a": {"b": 1}}, {"op": "copy", "from": "/a", "path": "/c"},
         {"a": {"b": 1}, "c": {"b": 1}}),
        ({"a": {"b": [1]}}, {"op": "test", "path": "/a", "value": {"b": [1]}}, {"a": {"b": [1]}}),
        ({"a": 1}, {"op": "add", "path": "", "value": {"b": 2}}, {"b": 2}),
        ({"/": 9, "~1": 10}, {"op": "test", "path": "/~01", "value": 10}, {"/": 9, "~1": 10}),
    ],
)  # fmt: skip
def test_the_examples_of_the_standard(target: Any, operation: Any, result: Any) -> None:
    assert apply(target, [operation]) == result


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/x/y", "value": 1},
        {"op": "add", "path": "/list/9", "value": 1},
        {"op": "add", "path": "/list/01", "value": 1},
        {"op": "add", "path": "a", "value": 1},
        {"op": "add", "path": "/a"},
        {"op": "remove", "path": "/nobody"},
        {"op": "replace", "path": "/nobody", "value": 1},
        {"op": "move", "from": "/a", "path": "/a/b"},
        {"op": "test", "path": "/a", "value": 2},
        {"op": "grow", "path": "/a"},
        {"op": ["add"], "path": "/a", "value": 1},
        {"op": "add", "path": 5, "value": 1},
        {"op": "add", "path": None, "value": 1},
        {"op": "add", "path": "/list/" + "9" * 5000, "value": 1},
        {"op": "add", "path": "/list/-1", "value": 1},
        {"op": "add", "path": "/list/-/x", "value": 1},
        {"op": "remove", "path": "/list/-"},
        {"op": "copy", "from": "/list/-", "path": "/b"},
        {"op": "copy", "from": 5, "path": "/b"},
        {"op": "move", "path": "/b"},
        {"op": "test", "path": "/a"},
        "add",
        "op",
        None,
        [],
        {},
    ],
)
def test_what_does_not_apply_is_refused(operation: Any) -> None:
    with pytest.raises(PatchError):
        apply({"a": {}, "list": [1]}, [operation])


def test_a_refusal_names_the_operation_and_quotes_no_value() -> None:
    secret = {"op": "test", "path": "/a", "value": "what else may be in a Secret"}
    with pytest.raises(PatchError) as refused:
        apply({"a": "what is in a Secret"}, [{"op": "add", "path": "/b", "value": 1}, secret])
    assert str(refused.value) == "test operation does not apply: /a: the value is another one"


def test_none_of_the_operations_is_carried_out_or_all() -> None:
    target: Any = {"a": 1}
    with pytest.raises(PatchError):
        apply(target, [{"op": "remove", "path": "/a"}, {"op": "remove", "path": "/a"}])
    assert target == {"a": 1}


@given(JSON, st.lists(OPERATIONS, max_size=4))
def test_a_patch_changes_neither_of_its_inputs(target: Any, patch: Any) -> None:
    before = deepcopy((target, patch))
    with suppress(PatchError):
        apply(target, patch)
    assert (target, patch) == before
