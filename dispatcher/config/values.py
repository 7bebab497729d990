"""Types of settings' values: durations, sizes, names, globs, repositories.

Each check raises ValueError with the value and the remedy. In a file, durations and sizes need a unit;
code that builds a setting passes seconds and bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Strict, ValidationInfo

from dispatcher.config.mistakes import show
from dispatcher.domain.durations import read_duration, show_duration
from dispatcher.domain.repositories import UnusableRepository, normalize_repository, without_user
from dispatcher.matching.globs import MAX_PATTERN, mistakes
from dispatcher.matching.tags import SEMVER, tag_mistakes

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MIB = 1024 * 1024

_SIZES = {"B": 1, "KiB": 1024, "MiB": MIB, "GiB": 1024 * MIB}
_SCHEMES = ("https", "http", "ssh", "git", "file")
_PRIVATE = re.compile(r"(?<=//)[^/]*@|\A[^/@:]*:(?!//)[^@]*@|[?#].*")
"""What may be a password or a token in a repository's URL."""
_TOKEN = re.compile(r"(?:gh[a-z]|github_pat|gl[a-z]*)[_-]\w{16,}.*|\w{52,}")
"""User names that are tokens: GitHub's and GitLab's by prefix, Azure DevOps' by length."""
_SCP = re.compile(
    r"(?:\w[\w.+-]*@)?(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9][\w.-]*):(?P<path>[^:].*)"
)


def show_size(size: int) -> str:
    """`25MiB`."""
    unit = next(unit for unit in reversed(_SIZES) if size % _SIZES[unit] == 0)
    return f"{size // _SIZES[unit]}{unit}"


def duration(least: int, most: int) -> BeforeValidator:
    """A duration in seconds, written like 90s, 15m or 2h."""

    def check(value: Any, info: ValidationInfo) -> int:
        seconds = _number(value, r"(?:\d{1,9}[dhms])+", info, read_duration)
        if seconds is None:
            raise ValueError(f"{show(value)} is not a duration; write it like 90s, 15m or 2h")
        _between(value, seconds, least, most, show_duration)
        return seconds

    return BeforeValidator(check)


def size(least: int, most: int) -> BeforeValidator:
    """A size in bytes, written like 512KiB or 25MiB."""

    def check(value: Any, info: ValidationInfo) -> int:
        count = _number(value, r"\d{1,9}(?:B|KiB|MiB|GiB)", info, _bytes)
        if count is None:
            raise ValueError(f"{show(value)} is not a size; write it like 512KiB or 25MiB")
        _between(value, count, least, most, show_size)
        return count

    return BeforeValidator(check)


def _number(
    value: Any, pattern: str, info: ValidationInfo, read: Callable[[str], int]
) -> int | None:
    if isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII):
        return read(value)
    by_code = info.context is None and isinstance(value, int) and not isinstance(value, bool)
    return int(value) if by_code else None


def _bytes(text: str) -> int:
    digits = text.rstrip("BKMGi")
    return int(digits) * _SIZES[text.removeprefix(digits)]


def _between(
    value: Any, number: int, least: int, most: int, show_number: Callable[[int], str]
) -> None:
    if not least <= number <= most:
        bounds = f"{show_number(least)} and {show_number(most)}"
        raise ValueError(f"{show(value)} is out of range; choose between {bounds}")


def matching(pattern: str, remedy: str, most: int = 253) -> AfterValidator:
    """Text that matches `pattern` as a whole; if it doesn't, the mistake ends with `remedy`."""
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if len(value) > most:
            raise ValueError(f"{show(value)} is too long; {most} characters are the most")
        if not compiled.fullmatch(value):
            raise ValueError(f"{show(value)} {remedy}")
        return value

    return AfterValidator(check)


_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_LABEL_REMEDY = "is not a valid name; use lower-case letters, digits and inner dashes"


def label(most: int) -> AfterValidator:
    """A DNS label (RFC 1123) of up to `most` characters."""
    return matching(_LABEL, _LABEL_REMEDY, most)


Name = Annotated[str, label(40)]
Namespace = Annotated[str, label(63)]
ObjectName = Annotated[str, matching(rf"{_LABEL}(?:\.{_LABEL})*", _LABEL_REMEDY)]
"""A Secret, a ConfigMap or a service account: a DNS subdomain."""
Key = Annotated[
    str, matching(r"[-._a-zA-Z0-9]+", "is not a key; use letters, digits, dots and dashes")
]
Variable = Annotated[
    str,
    matching(
        r"[A-Za-z_][A-Za-z0-9_]*",
        "is not a variable name; use letters, digits and underscores",
    ),
]
Image = Annotated[
    str, matching(r"[^\s]+", "is not an image; write it like ghcr.io/acme/deployer:3", 1000)
]
Quantity = Annotated[
    str,
    BeforeValidator(
        lambda value: str(value) if type(value) in (int, float) else value,
    ),
    matching(
        r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+|[numkMGTPE]|[KMGTPE]i)?",
        "is not a quantity; write it like 500m, 2 or 1Gi",
    ),
]
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]


def _pattern(value: str, found: Callable[[list[str]], Iterable[str]]) -> str:
    if any(not character.isprintable() for character in value):
        raise ValueError(f"{show(value)} holds a character that names cannot have; remove it")
    for mistake in found([value[: MAX_PATTERN + 2]]):
        raise ValueError(mistake)
    return value


def _glob(value: str) -> str:
    return _pattern(value, mistakes)


def _branch_glob(value: str) -> str:
    if value.removeprefix("!").startswith(SEMVER):
        raise ValueError(
            f"{show(value)} is a version range, which works for tags only; move it to `tags`"
        )
    return _pattern(value, partial(mistakes, refs=True))


def _tag_pattern(value: str) -> str:
    return _pattern(value, tag_mistakes)


def _no_mapping(value: Any) -> Any:
    """YAML reads `semver: ^1` without quotes as a mapping."""
    if isinstance(value, dict) and set(value) == {SEMVER.removesuffix(":")}:
        raise ValueError('is not text; put it in quotes, like "semver:>=1.2 <2"')
    return value


def _host_glob(value: str) -> str:
    if "://" in value or "@" in value or " " in value:
        raise ValueError(
            f"{_shown(value)} is not a pattern for host/path; write it like github.com/acme/*"
        )
    return _glob(value)


def _not_only_exceptions(values: tuple[str, ...]) -> tuple[str, ...]:
    if values and all(value.startswith("!") for value in values):
        raise ValueError(
            "has only exceptions and so matches nothing; begin it with another pattern"
        )
    return values


def _some(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not values:
        raise ValueError("is empty; list at least one")
    return values


AtLeastOne = AfterValidator(_some)
BranchGlob = Annotated[str, AfterValidator(_branch_glob)]
TagPattern = Annotated[str, BeforeValidator(_no_mapping), AfterValidator(_tag_pattern)]
HostGlob = Annotated[str, AfterValidator(_host_glob)]
PathGlob = Annotated[str, AfterValidator(_glob)]
SomeHosts = AfterValidator(_not_only_exceptions)


def _repository(value: str) -> str:
    """Checks the URL's form. Turns an absolute path into a `file://` URL, and drops the user of https.

    Jobs do not need that user name: if a Git host requires one, the Secret has it beside the token.
    """
    if value.startswith("/"):
        value = f"file://{quote(value)}"
    if any(c.isspace() or not c.isprintable() for c in value) or "\\" in value:
        raise ValueError("holds a space or a backslash, which URLs cannot; write %20 for a space")
    if problem := _url_problem(value) if "://" in value else _scp_problem(value):
        raise ValueError(problem)
    try:
        normalize_repository(value)
    except UnusableRepository as error:
        raise ValueError(str(error)) from None
    return without_user(value)


_CREDENTIALS = "; put it in a Secret and name that in job.clone.secret"
_REPOSITORY = "is not a repository URL; write it like https://github.com/acme/shop"


def _url_problem(value: str) -> str:
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        return _REPOSITORY
    if url.password is not None:
        return f"holds a password{_CREDENTIALS}"
    if url.scheme != "ssh" and _TOKEN.fullmatch(url.username or ""):
        return f"has what looks like a token as its user name{_CREDENTIALS}"
    named = bool(url.hostname) and not (url.hostname or "").startswith("-")
    if url.scheme not in _SCHEMES:
        return f"{_shown(value)} {_REPOSITORY}"
    if url.scheme == "file":
        named = not url.netloc
    usable = named and port != 0 and url.path.strip("/") and not url.query and not url.fragment
    return "" if usable else f"{_shown(value)} {_REPOSITORY}"


def _scp_problem(value: str) -> str:
    match = _SCP.fullmatch(value)
    if match and "@" in match["path"].partition("/")[0]:
        return f"holds a password{_CREDENTIALS}, or begin it with ssh://"
    usable = match and match["path"].strip("/") and not match["path"].startswith("-")
    if match and match["host"] in _SCHEMES:  # a slash too few
        usable = None
    return "" if usable else f"{_shown(value)} {_REPOSITORY}"


def _shown(url: str) -> str:
    return show(_PRIVATE.sub("…", url))


Repository = Annotated[str, AfterValidator(_repository)]
