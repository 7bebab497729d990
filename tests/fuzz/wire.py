"""Requests as the fuzzer keeps them: like HTTP, so that they can be read and changed by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

Header = tuple[bytes, bytes]

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_METHOD = re.compile(r"[A-Z]{1,10}")
_NO_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True)
class Sent:
    """What was read. Only what an HTTP server lets through is left of the headers."""

    method: str
    target: bytes
    headers: tuple[Header, ...]
    body: bytes

    def but(self, signature: Mapping[str, str]) -> list[Header]:
        """The headers, with these in place of those of the same names."""
        own = [
            (name.lower().encode(), value.encode("latin-1")) for name, value in signature.items()
        ]
        replaced = {name for name, _ in own}
        return [*(each for each in self.headers if each[0] not in replaced), *own]


def render(line: str, headers: Iterable[Header], body: bytes) -> bytes:
    return b"\n".join([line.encode(), *(b"%s: %s" % each for each in headers), b"", body])


def parse(data: bytes) -> Sent:
    head, _, body = data.partition(b"\n\n")
    line, *lines = head.split(b"\n")
    method, _, target = line.partition(b" ")
    named = method.decode("latin-1")
    return Sent(
        named if _METHOD.fullmatch(named) else "POST",
        quote(target, safe="!#$%&'()*+,/:;=?@[]~").encode(),
        tuple(_headers(lines)),
        body,
    )


def _headers(lines: Iterable[bytes]) -> Iterable[Header]:
    for line in lines:
        name, _, value = line.partition(b":")
        if _NAME.fullmatch(name) and not _NO_VALUE.search(value):
            yield name.lower(), value.strip(b" \t")
