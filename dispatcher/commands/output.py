"""What a command prints to standard output: text for people, or with `--output json` the API's JSON."""

from __future__ import annotations

import sys
from enum import StrEnum

import msgspec
from rich.console import Console

WIDE = 10_000
"""Columns if the output is not a terminal, so that a pipe gets unwrapped lines."""


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"


def console() -> Console:
    """A console with colours on a terminal only; markup in untrusted text is not interpreted."""
    terminal = sys.stdout.isatty()
    width = None if terminal else WIDE
    return Console(width=width, markup=False, highlight=False, emoji=False, soft_wrap=not terminal)


def write_json(body: object) -> None:
    print(msgspec.json.format(msgspec.json.encode(body), indent=2).decode())
