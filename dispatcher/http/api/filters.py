"""Parses the query parameters that filter a list: each says what it can be when it is something else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from starlette.requests import Request

from dispatcher.domain.repositories import UnusableRepository, normalize_repository
from dispatcher.http.responses import ErrorResponse
from dispatcher.matching.globs import Rules, mistakes

LONGEST = 300
"""Characters of a filter's text."""
COMMIT = re.compile(r"[0-9a-fA-F]{4,64}")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Word = TypeVar("Word", bound=StrEnum)


def text(request: Request, name: str) -> str:
    """The parameter's text; "" where it is not there."""
    found = request.query_params.get(name)
    if found is not None and not 1 <= len(found) <= LONGEST:
        raise _invalid(name, f"1 to {LONGEST} characters")
    return found or ""


def globs(request: Request, name: str) -> Rules | None:
    """A glob like `shop-*`; None where there is none."""
    found = text(request, name)
    if wrong := list(mistakes([found])) if found else []:
        raise _invalid(name, f"a name or a glob like shop-*: {wrong[0]}")
    return Rules((found,), default=False) if found else None


def repository(request: Request, name: str = "repository") -> str:
    """The identity of the repository; "" for none."""
    found = text(request, name)
    try:
        return normalize_repository(found) if found else ""
    except UnusableRepository as error:
        raise _invalid(name, f"a repository: {error}") from None


def commit(request: Request) -> str:
    """The first digits of a commit, in lower case; "" for any."""
    found = request.query_params.get("commit")
    if found is not None and not COMMIT.fullmatch(found):
        raise _invalid("commit", "4 to 64 hexadecimal digits, the first of a commit")
    return (found or "").lower()


def choice(request: Request, name: str, words: type[Word]) -> frozenset[Word]:
    """Some of the words, with commas between them; all of them where the parameter is not there."""
    found = request.query_params.get(name)
    try:
        return (
            frozenset(words(each) for each in found.split(","))
            if found is not None
            else frozenset(words)
        )
    except ValueError:
        raise _invalid(name, f"some of {', '.join(words)}, with commas between them") from None


def one_of(request: Request, name: str, words: Sequence[str]) -> str:
    """One of the words; the first where the parameter is not there."""
    found = request.query_params.get(name, words[0])
    if found not in words:
        raise _invalid(name, f"one of {', '.join(words)}")
    return found


def instant(request: Request, name: str) -> int:
    """A time in RFC 3339, in milliseconds since 1970; 0 where there is none."""
    found = request.query_params.get(name)
    if found is None:
        return 0
    try:
        when = datetime.fromisoformat(found)
        return max(1, (when - EPOCH) // timedelta(milliseconds=1))
    except (ValueError, TypeError, OverflowError):  # TypeError: it has no offset
        raise _invalid(name, "a time like 2025-11-22T10:15:00Z") from None


def position(request: Request, pattern: re.Pattern[str]) -> str:
    """The cursor of a page: `next` of the page before; "" for the first page."""
    found = request.query_params.get("cursor", "")
    if found and not pattern.fullmatch(found):
        raise ErrorResponse(
            400, "invalid_cursor", "cursor is not one: send `next` of the page before, or none"
        )
    return found


def matches(rules: Rules | None, name: str) -> bool:
    return rules is None or rules.wants(name)


def _invalid(name: str, expected: str) -> ErrorResponse:
    return ErrorResponse(400, "invalid_parameter", f"The query parameter {name} must be {expected}")
