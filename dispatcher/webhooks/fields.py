"""Validates a push's fields by the same rules for every Git host. Pure.

Refuses invalid fields that decide about a deploy (object names, refs, repositories, times). Sanitizes
those that are only displayed (titles, names), so that an odd character in a message loses no push.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from dispatcher.domain import refs
from dispatcher.domain.refs import MAX_REF, ZEROS
from dispatcher.domain.repositories import UnusableRepository, normalize_repository
from dispatcher.webhooks.results import Rejection

MAX_TITLE = 200
MAX_MESSAGE = 4000
MAX_NAME = 100
MAX_PATHS = 10_000
MAX_PATH = 1024
MAX_REFS = 1000
"""Refs that one delivery may update."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SPACE = re.compile(r"\s+")
_IDENTIFIER = re.compile(r"[!-~]{0,100}")

# The years 2001 to 2096: rules out mixed-up seconds and milliseconds, and garbage.
_MILLISECONDS = range(10**12, 4 * 10**12)


def invalid(field: str, remedy: str) -> Rejection:
    return Rejection(400, "invalid_field", f"{field} {remedy}")


def object_name(field: str, value: str) -> str:
    """An object name in lower case; zeros are one."""
    if name := refs.object_name(value):
        return name
    raise invalid(field, "must be an object name: 40 or 64 hexadecimal digits")


def optional_object_name(field: str, value: str | None) -> str:
    return object_name(field, value) if value else ""


def commit_behind(after: str, commit: str) -> str:
    """The value of `Push.commit`: the commit if it exists and differs from `after`, else ""."""
    return "" if commit == after or commit in ZEROS or after in ZEROS else commit


def before_of(before: str, after: str) -> str:
    """`before`, or "" if it equals `after`: a test delivery moves nothing, so its `before` means nothing."""
    return "" if before == after else before


def ref(field: str, value: str) -> str:
    """The full name of any ref, valid by Git's own rules."""
    if refs.is_ref(value):
        return value
    raise invalid(field, f"must be a ref's full name of at most {MAX_REF} characters: refs/heads/…")


class Addresses(NamedTuple):
    """All addresses that a payload gives for one repository, as identities."""

    repository: str
    aliases: tuple[str, ...]


def repository(*fields: tuple[str, str | None]) -> Addresses:
    """Reads the addresses from (name, value) pairs of URL fields; the first non-empty one is the main one.

    The first must be a URL. Others that are not URLs are skipped: a host without SSH may send something
    else there. Pass only fields that the host fills in, never those that a repository's owner can edit.
    """
    given = [(name, value) for name, value in fields if value]
    if not given:
        names = " or ".join(name for name, _ in fields)
        raise invalid(names, "is missing: it must name the repository that was pushed to")
    try:
        identity = normalize_repository(given[0][1])
    except UnusableRepository as error:
        raise invalid(given[0][0], f"is not a repository URL: {error}") from None
    others = dict.fromkeys(filter(None, (_identity(value) for _, value in given[1:])))
    return Addresses(identity, tuple(each for each in others if each != identity))


def _identity(value: str) -> str:
    try:
        return normalize_repository(value)
    except UnusableRepository:
        return ""


def milliseconds(field: str, value: float | None) -> int:
    """A time in milliseconds since the epoch, 0 for none."""
    if not value:
        return 0
    if not _MILLISECONDS.start <= value < _MILLISECONDS.stop:
        raise invalid(field, "is no time between the years 2001 and 2096: check its unit")
    return int(value)


def moment(field: str, value: str | None) -> int:
    """A time in ISO 8601 as milliseconds since the epoch, 0 for none."""
    if not value:
        return 0
    try:
        read = datetime.fromisoformat(value)
        seconds = (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise invalid(field, "must be a time in ISO 8601, like 2025-11-22T10:55:00Z") from None
    return milliseconds(field, seconds * 1000)


def identifier(field: str, value: str) -> str:
    """A Git host's identifier, which becomes part of Redis keys."""
    if _IDENTIFIER.fullmatch(value):
        return value
    raise invalid(field, "must be at most 100 printable ASCII characters without spaces")


def message(value: str | None) -> str:
    """A commit message, truncated, without control characters except line ends and tabs."""
    return _CONTROL.sub(" ", (value or "")[:MAX_MESSAGE].replace("\r\n", "\n")).strip()


def title(value: str | None) -> str:
    """The first line of a message, for display."""
    return one_line(message(value).partition("\n")[0], MAX_TITLE)


def one_line(value: str | None, limit: int = MAX_NAME) -> str:
    text = _CONTROL.sub(" ", (value or "")[: 4 * limit])
    return _SPACE.sub(" ", text).strip()[:limit]


def paths(values: Iterable[str]) -> tuple[str, ...] | None:
    """The distinct paths; None (unknown) if there are more than MAX_PATHS."""
    unique = tuple(dict.fromkeys(values))
    if len(unique) > MAX_PATHS or any(len(path) > MAX_PATH for path in unique):
        return None
    return unique
