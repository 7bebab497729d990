"""Errors and parameters that operations of several nouns share."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dispatcher.http.api import filters
from dispatcher.http.api.access import CURSOR as CURSOR_PATTERN
from dispatcher.http.openapi.operation import Parameter, codes

TARGET = codes("404 unknown_target")
DEPLOY = TARGET | codes("404 unknown_deploy")
LIMIT = codes("400 invalid_limit")
CURSOR = codes("400 invalid_cursor")
INVALID = codes("400 invalid_parameter")


def cursor(pattern: re.Pattern[str]) -> Parameter:
    """`next` of the page before; "" for the first page."""
    schema = {"type": "string", "pattern": f"^({pattern.pattern})?$"}
    return Parameter("cursor", "query", schema)


NEXT_PAGE = cursor(CURSOR_PATTERN)


def text(name: str) -> Parameter:
    schema = {"type": "string", "minLength": 1, "maxLength": filters.LONGEST}
    return Parameter(name, "query", schema)


def choices(name: str, words: Iterable[str]) -> Parameter:
    """One of the words, or several with commas between them."""
    word = f"({'|'.join(words)})"
    return Parameter(name, "query", {"type": "string", "pattern": f"^{word}(,{word})*$"})


TARGET_FILTER = text("target")
NAMESPACE_FILTER = text("namespace")
REPOSITORY_FILTER = text("repository")
COMMIT_FILTER = Parameter(
    "commit", "query", {"type": "string", "pattern": f"^{filters.COMMIT.pattern}$"}
)
TIMES = tuple(
    Parameter(name, "query", {"type": "string", "format": "date-time"})
    for name in ("since", "until")
)


def limit(most: int, usual: int) -> Parameter:
    """The parameter `limit`: most entries in the response."""
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": usual}
    return Parameter("limit", "query", schema)
