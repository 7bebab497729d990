"""Label and field selectors: text in, a predicate over objects out. Pure.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dispatcher.local.cluster.apimachinery.api_errors import BadRequest
from dispatcher.local.cluster.apimachinery.objects import Object, labels_of
from dispatcher.local.cluster.apimachinery.resources import Resource


class Operator(StrEnum):
    EXISTS = "exists"
    ABSENT = "!"
    IN = "in"
    NOT_IN = "notin"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """`notin` and `!=` also hold where the label is missing, as in Kubernetes."""
        present = self.key in labels
        match self.operator:
            case Operator.EXISTS:
                return present
            case Operator.ABSENT:
                return not present
            case Operator.IN:
                return present and labels[self.key] in self.values
            case Operator.NOT_IN:
                return not present or labels[self.key] not in self.values


_KEY = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
_SET = re.compile(rf"\s*({_KEY})\s+(in|notin)\s*\(([^()]*)\)\s*")
_EQUALITY = re.compile(rf"\s*({_KEY})\s*(==|=|!=)\s*({_VALUE})\s*")
_PRESENCE = re.compile(rf"\s*(!?)\s*({_KEY})\s*")
_SPLIT = re.compile(r",(?![^()]*\))")


def parse_labels(text: str) -> tuple[Requirement, ...]:
    """`a=b,c!=d,e in (f, g),h notin (i),j,!k`; raises `BadRequest`."""
    if not text.strip():
        return ()
    return tuple(_requirement(part) for part in _SPLIT.split(text))


def _requirement(text: str) -> Requirement:
    if found := _SET.fullmatch(text):
        key, word, listed = found.groups()
        values = [value.strip() for value in listed.split(",")]
        if not all(re.fullmatch(_VALUE, value) for value in values):
            raise BadRequest(f"unable to parse requirement: {text.strip()!r}")
        return Requirement(key, Operator(word), frozenset(values))
    if found := _EQUALITY.fullmatch(text):
        key, sign, value = found.groups()
        operator = Operator.NOT_IN if sign == "!=" else Operator.IN
        return Requirement(key, operator, frozenset({value}))
    if found := _PRESENCE.fullmatch(text):
        absent, key = found.groups()
        return Requirement(key, Operator.ABSENT if absent else Operator.EXISTS)
    raise BadRequest(f"unable to parse requirement: {text.strip()!r}")


_COMMON = ("metadata.name", "metadata.namespace")
# What a field is called where it isn't called like its path.
_PATHS = {"status.successful": "status.succeeded", "source": "source.component"}
_DEFAULTS = {"status.successful": "0", "spec.unschedulable": "false"}
_FIELD = re.compile(r"\s*([A-Za-z.]+)\s*(==|=|!=)\s*(.*?)\s*")


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    """One condition on one of the few fields that can be selected by."""

    field: str
    value: str
    negated: bool

    def matches(self, obj: Object) -> bool:
        return (_field_of(obj, self.field) == self.value) is not self.negated


def _field_of(obj: Object, field: str) -> str:
    value: Any = obj
    for part in _PATHS.get(field, field).split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return _DEFAULTS.get(field, "") if value is None else str(value)


def parse_fields(text: str, resource: Resource) -> tuple[FieldRequirement, ...]:
    """`metadata.name=x,status.phase!=Failed`; raises `BadRequest`."""
    return tuple(_field(part, resource) for part in text.split(",")) if text.strip() else ()


def _field(text: str, resource: Resource) -> FieldRequirement:
    found = _FIELD.fullmatch(text)
    if not found:
        raise BadRequest(f"invalid field selector: {text!r}")
    field, sign, value = found.groups()
    if field not in (*_COMMON, *resource.fields):
        raise BadRequest(_refusal(field, resource))
    return FieldRequirement(field, value, sign == "!=")


def _refusal(field: str, resource: Resource) -> str:
    """The words of a real API server, which differ from kind to kind.

    https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/batch/v1/conversion.go
    https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/v1/conversion.go
    """
    if resource.kind == "Job":
        return f'field label "{field}" not supported for Job'
    if resource.fields:
        return f"field label not supported: {field}"
    return f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'


@dataclass(frozen=True, slots=True)
class Selector:
    """What a list or a watch is limited to; an empty one takes everything."""

    labels: tuple[Requirement, ...] = ()
    fields: tuple[FieldRequirement, ...] = ()

    @classmethod
    def parse(cls, labels: str, fields: str, resource: Resource) -> "Selector":
        """Raises `BadRequest`, also for a field that objects of the kind can't be selected by."""
        return cls(parse_labels(labels), parse_fields(fields, resource))

    def matches(self, obj: Object) -> bool:
        labels = labels_of(obj)
        return all(each.matches(labels) for each in self.labels) and all(
            each.matches(obj) for each in self.fields
        )


EVERYTHING = Selector()
