"""What a command prints to standard output: text for people, or the API's answer as JSON or YAML."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from typing import TextIO

import msgspec
from rich.console import Console

from dispatcher.commands.tables.layout import BOUNDLESS


class Output(StrEnum):
    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"


class OfflineOutput(StrEnum):
    """Of commands that do not ask the API."""

    TABLE = "table"
    JSON = "json"


DATA = (Output.JSON, Output.YAML)


def console(*, wide: bool = False, file: TextIO | None = None) -> Console:
    """A console with colours and a width on a terminal only; untrusted text has no markup.

    `NO_COLOR` and a terminal that understands nothing (`TERM=dumb`) get no escape sequence at all.
    """
    to = file or sys.stdout
    known = Console(file=to)
    fitted = to.isatty() and not wide
    return Console(
        file=to,
        width=None if fitted else BOUNDLESS,
        color_system=None if known.no_color or known.is_dumb_terminal else "auto",
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=True,
    )


def write_json(body: object) -> None:
    print(json_text(body))


def json_text(body: object) -> str:
    """JSON, indented; what a terminal could take for a control sequence is escaped."""
    text = msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
    return re.sub(r"[^\n\x20-\x7e]", lambda found: _escaped(found[0]), text)


def yaml_text(body: object) -> str:
    return msgspec.yaml.encode(msgspec.to_builtins(body)).decode().rstrip("\n")


def _escaped(char: str) -> str:
    if char.isprintable():
        return char
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))
