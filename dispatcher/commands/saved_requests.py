"""A delivery that somebody has saved: its body alone, or the whole HTTP request. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dispatcher.domain.errors import UsageError

Header = tuple[bytes, bytes]

_BODY = re.compile(rb"\s*[{\[]|payload=")
_BLANK = re.compile(rb"\r?\n\r?\n")
_HEADER = re.compile(rb"([^:\s][^:\r\n]*):[ \t]*([^\r\n]*)")
_HOOK = re.compile(rb"/webhooks/([a-z0-9-]+)")


@dataclass(frozen=True)
class Saved:
    """What was sent."""

    headers: tuple[Header, ...]
    body: bytes
    hook: str = ""
    """The target that the request's URL names, or ""."""


def read_saved(content: bytes, headers: Sequence[str]) -> Saved:
    """A body, or an HTTP request: its first line, headers, an empty line, the body. Raises UsageError.

    `headers` are `Name: value`; they stand for those of the same name in the request. A body without a
    Content-Type is taken for JSON.
    """
    own = [_header(text.encode("utf-8", "surrogateescape"), "--header") for text in headers]
    head, body = (b"", content) if _BODY.match(content) else _split(content)
    given = {name.lower() for name, _ in own}
    sent = [each for each in _headers(head) if each[0].lower() not in given]
    named = _HOOK.search(head.partition(b"\n")[0])
    return Saved(
        headers=(*_with_type([*sent, *own]),), body=body, hook=named[1].decode() if named else ""
    )


def _split(content: bytes) -> tuple[bytes, bytes]:
    parts = _BLANK.split(content, maxsplit=1)
    if len(parts) < 2:
        raise UsageError(
            "this is no saved delivery: it begins neither as JSON nor as an HTTP request, whose headers "
            "end with an empty line"
        )
    return parts[0], parts[1]


def _headers(head: bytes) -> Iterator[Header]:
    for number, line in enumerate(head.splitlines()):
        if number or not re.match(rb"[A-Z]+ \S+ HTTP/", line):
            yield _header(line, f"line {number + 1}")


def _header(line: bytes, where: str) -> Header:
    match = _HEADER.fullmatch(line.strip())
    if match is None:  # the text may hold a token: the message does not quote it
        raise UsageError(f"{where} is no header: write it like 'X-GitHub-Event: push'")
    return match[1].strip(), match[2].strip()


def _with_type(headers: list[Header]) -> list[Header]:
    known = any(name.lower() == b"content-type" for name, _ in headers)
    return headers if known else [*headers, (b"Content-Type", b"application/json")]
