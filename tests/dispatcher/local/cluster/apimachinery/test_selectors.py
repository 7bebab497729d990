from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.local.cluster.apimachinery.api_errors import BadRequest
from dispatcher.local.cluster.apimachinery.resources import CONFIG_MAPS, JOBS, PODS, Resource
from dispatcher.local.cluster.apimachinery.selectors import (
    Operator,
    Requirement,
    Selector,
    parse_labels,
)

WORDS = st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True)
LABELS = st.dictionaries(WORDS, WORDS, max_size=3)


def an_object(labels: dict[str, str] | None = None, name: str = "x", phase: str = "") -> Any:
    metadata = {"name": name, "namespace": "home", "labels": labels or {}}
    return {"metadata": metadata, "status": {"phase": phase}}


def test_a_selector_is_read_requirement_by_requirement() -> None:
    assert parse_labels("a=1, b!=2,c in (3, 4),d notin (5),e,!f,example.com/g=h") == (
        Requirement("a", Operator.IN, frozenset({"1"})),
        Requirement("b", Operator.NOT_IN, frozenset({"2"})),
        Requirement("c", Operator.IN, frozenset({"3", "4"})),
        Requirement("d", Operator.NOT_IN, frozenset({"5"})),
        Requirement("e", Operator.EXISTS),
        Requirement("f", Operator.ABSENT),
        Requirement("example.com/g", Operator.IN, frozenset({"h"})),
    )


def test_an_empty_selector_takes_everything() -> None:
    assert Selector.parse("", "", PODS).matches(an_object())


@pytest.mark.parametrize("text", [",", "a b", "a in b", "a=b=c", "a in (b", "=x", "a in (b c!)"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_labels(text)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadRequest):
        parse_labels(text)


@given(LABELS, WORDS, st.lists(WORDS, min_size=1, max_size=3))
def test_in_and_notin_are_opposites(labels: dict[str, str], key: str, values: list[str]) -> None:
    listed = ",".join(values)
    inside = Selector.parse(f"{key} in ({listed})", "", PODS).matches(an_object(labels))
    outside = Selector.parse(f"{key} notin ({listed})", "", PODS).matches(an_object(labels))
    assert inside is not outside


@given(LABELS, WORDS)
def test_exists_and_absent_are_opposites(labels: dict[str, str], key: str) -> None:
    obj = an_object(labels)
    assert Selector.parse(key, "", PODS).matches(obj) is not Selector.parse(
        f"!{key}", "", PODS
    ).matches(obj)


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ("metadata.name=x", True),
        ("metadata.name!=x", False),
        ("metadata.namespace=home,metadata.name=x", True),
        ("status.phase=Running", True),
        ("status.phase!=Running", False),
    ],
)
def test_fields_select(fields: str, matches: bool) -> None:
    assert Selector.parse("", fields, PODS).matches(an_object(phase="Running")) is matches


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        (PODS, "field label not supported: spec.hostname"),
        (JOBS, 'field label "spec.hostname" not supported for Job'),
        (CONFIG_MAPS, '"spec.hostname" is not a known field selector: only "metadata.name"'),
    ],
)
def test_an_unknown_field_is_refused(resource: Resource, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        Selector.parse("", "spec.hostname=local", resource)
