"""Decodes request bodies into typed values. Pure.

An error names the field and the remedy, and must never quote the body.
"""

from __future__ import annotations

import json
import re
from typing import TypeVar
from urllib.parse import unquote_to_bytes

import msgspec

from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.results import Rejection

T = TypeVar("T")

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

MAX_VALUES = 1_000_000
"""Most values in a body that is decoded into a tree, whose values take many times their bytes."""

_CHARSETS = frozenset({"", "utf-8", "utf8", "us-ascii"})
_CHARSET = re.compile(r"""charset\s*=\s*["']?([^\s"';]*)""")
_WHERE = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<where>.*)`)?", re.DOTALL)


def content_type(headers: Headers, *accepted: str, remedy: str) -> str:
    """The body's media type, one of `accepted`. Raises Rejection (415) for another type or charset."""
    media_type, _, parameters = headers.text("Content-Type").lower().partition(";")
    if media_type.strip() not in accepted:
        raise Rejection(
            415,
            "unsupported_media_type",
            f"Content-Type must be {' or '.join(accepted)}: {remedy}",
        )
    charset = _CHARSET.search(parameters)
    if charset and charset[1] not in _CHARSETS:
        raise Rejection(
            415, "unsupported_charset", "Content-Type's charset must be utf-8, or left out"
        )
    if headers.text("Content-Encoding").lower() not in ("", "identity"):
        raise Rejection(
            415, "unsupported_encoding", "Content-Encoding must be left out: send plain JSON"
        )
    return media_type.strip()


def form_field(body: bytes, name: str) -> bytes:
    """The value of a form field that must occur exactly once."""
    values = re.findall(rb"(?:\A|&)" + re.escape(name.encode()) + rb"=([^&]*)", body)
    if len(values) != 1:
        raise Rejection(400, "invalid_form", f"the form must hold the field {name} exactly once")
    return unquote_to_bytes(values[0].replace(b"+", b" "))


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The body as the decoder's type. Raises Rejection (400) that names the first wrong field."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Rejection(400, "invalid_body", _where(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Rejection(400, "invalid_json", "the body is not JSON in UTF-8") from None
    except RecursionError:
        raise Rejection(400, "invalid_json", "the body is nested too deeply") from None


def _where(message: str) -> str:
    match = _WHERE.fullmatch(message)
    what, where = (match["what"], match["where"]) if match else (message, "")
    return f"{where or 'the body'}: {what[:1].lower()}{what[1:]}"


def no_duplicates(body: bytes) -> None:
    """Refuses an object with a duplicate field: parsers disagree on which one counts."""
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise Rejection(400, "invalid_json", f"the body holds more than {MAX_VALUES} values")
    try:
        json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Rejection(400, "invalid_json", "the body is not JSON in UTF-8") from None


def _once(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise Rejection(400, "duplicate_field", "an object holds a field twice: send each once")
