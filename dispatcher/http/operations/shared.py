"""Errors and parameters that operations of several nouns share."""

from __future__ import annotations

from dispatcher.http.api.access import CURSOR as CURSOR_PATTERN
from dispatcher.http.openapi.operation import Parameter, codes

TARGET = codes("404 unknown_target")
DEPLOY = TARGET | codes("404 unknown_deploy")
LIMIT = codes("400 invalid_limit")
CURSOR = codes("400 invalid_cursor")

NEXT_PAGE = Parameter(
    "cursor", "query", {"type": "string", "pattern": f"^({CURSOR_PATTERN.pattern})?$"}
)
"""Of the page before; "" for the first page."""


def limit(most: int, usual: int) -> Parameter:
    """The parameter `limit`: most entries in the response."""
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": usual}
    return Parameter("limit", "query", schema)
