"""Turns a pydantic error into the text of a mistake.

pydantic says what is wrong with a value, but not what to write instead. Must never quote a value below
`secrets` or `env`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from dispatcher.config.mistakes import Conflict, Location, show
from dispatcher.domain.suggestions import did_you_mean

PRIVATE = frozenset({"secrets", "env"})
"""Settings whose values no message may quote."""

BRANCH = "\0"
"""Begins the tag of a union member, to distinguish it from a key."""


def location_of(error: ErrorDetails, own: Any = None) -> Location:
    """The field that the error is about, without pydantic's names of union members and key validators.

    A conflict is reported at the first of its fields that `own`, the data without `defaults`, has.
    """
    location = tuple(
        part for part in error["loc"] if part != "[key]" and not str(part).startswith(BRANCH)
    )
    conflict = error.get("ctx", {}).get("error")
    if not isinstance(conflict, Conflict):
        return location
    written = [name for name in conflict.fields if isinstance(own, dict) and name in own]
    return (*location, *(written or conflict.fields)[:1])


def text_of(
    error: ErrorDetails, known: frozenset[str], elsewhere: frozenset[str], written: str | None
) -> str:
    """`known` are the settings where the error is, `elsewhere` some that a level too high was taken
    for; `written` is how the file has a value that is no text."""
    location = location_of(error)
    private = bool(PRIVATE & set(location)) and error["type"] != "extra_forbidden"
    value = error["input"]
    shown = "the value" if private and value is not None else written or show(value)
    context: Mapping[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            return f"is not a setting here; {did_you_mean(str(location[-1]), known, elsewhere)}"
        case "value_error":
            return str(context["error"])
        case "literal_error":
            words = context["expected"].replace(" or ", ", ").replace("'", "")
            return f"{shown} is not one of {words}; choose one"
        case "greater_than_equal":
            return f"{shown} is too small; {context['ge']} is the least"
        case "less_than_equal":
            return f"{shown} is too large; {context['le']} is the most"
    return f"{shown} is {_wanted(error['type'], value, shown, private)}"


def _wanted(kind: str, value: Any, shown: str, private: bool) -> str:
    if value is None and not kind.startswith("missing"):
        return "there; give it a value or remove the line"
    match kind.removesuffix("_type").removesuffix("_parsing"):
        case "string" if isinstance(value, (bool, int, float)):
            return "not text; put it in quotes" + ("" if private else f': "{_bare(shown)}"')
        case "string":
            return "not text; write one value"
        case "bool":
            return "neither true nor false; write one of them, without quotes"
        case "int":
            return "not a whole number; write it like 3, without quotes"
        case "tuple" | "list":
            return "not a list; write it in brackets, like [first, second]"
        case "dict" | "model" | "model_attributes":
            return "not a mapping; write `name: value` lines below it"
    return "not valid here; see docs/configuration.md"


def _bare(shown: str) -> str:
    return shown.strip('"')


def settings_of(model: type[BaseModel]) -> frozenset[str]:
    """The settings that a file may set in a model: all fields except those that code fills in."""
    hidden: frozenset[str] = getattr(model, "BY_CODE", frozenset())
    return frozenset(
        info.alias or name for name, info in model.model_fields.items() if name not in hidden
    )
