"""Options that the commands share which ask the API, and what they lead to."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.commands.access import TOKEN, URL, find_access
from dispatcher.commands.client import Client
from dispatcher.commands.tables import Output
from dispatcher.errors import UsageError

Url = Annotated[
    str | None,
    typer.Option("--url", help=f"Where git-dispatcher is; else {URL}, or what `up` left behind."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", help=f"File with the API token; else {TOKEN} or {TOKEN}_FILE."),
]
StateDir = Annotated[
    Path | None,
    typer.Option("--state-dir", help="State directory of `up`; else .dispatcher, if it is there."),
]
Shown = Annotated[
    Output, typer.Option("--output", "-o", help="A table for people, or the API's JSON.")
]
TargetName = Annotated[str, typer.Argument(metavar="TARGET", help="Name of a target.")]
DeployName = Annotated[str, typer.Argument(metavar="TARGET/NUMBER", help="Like shop/42.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for those who look at it later.")]
By = Annotated[str | None, typer.Option("--by", help="Who asks; else your user name.")]


def client_of(url: str | None, token_file: Path | None, state_dir: Path | None) -> Client:
    access = find_access(
        os.environ, url=url, token_file=token_file, state_dir=state_dir, cwd=Path.cwd()
    )
    return Client(access)


def split_name(name: str) -> tuple[str, int]:
    """`shop/42` in its parts. Raises UsageError."""
    target, slash, number = name.partition("/")
    if not (target and slash and number.isascii() and number.isdigit() and len(number) < 16):
        raise UsageError(f"{name!r} is not a deploy: write it like shop/42")
    return target, int(number)


def asker(by: str | None) -> str:
    """Who asks, as said, else the user's name."""
    if by is not None:
        return by
    try:
        return getpass.getuser()[:100]
    except (OSError, KeyError, ImportError):  # a user id without a name
        return ""


def now() -> datetime:
    return datetime.now(UTC)
