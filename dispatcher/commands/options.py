"""Options that all commands which ask the API share."""

from __future__ import annotations

import functools
import getpass
import inspect
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from rich.console import Console

from dispatcher.commands import completion
from dispatcher.commands.access import TOKEN, URL, find_access
from dispatcher.commands.client import Client
from dispatcher.commands.output import DATA, Output, console, json_text, yaml_text
from dispatcher.domain.errors import UsageError

FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
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
    Output,
    typer.Option("--output", "-o", help="A table for people, or the API's answer for scripts."),
]
TargetName = Annotated[
    str,
    typer.Argument(metavar="TARGET", help="Name of a target.", autocompletion=completion.targets),
]
DeployName = Annotated[
    str,
    typer.Argument(
        metavar="TARGET/NUMBER", help="Like shop/42.", autocompletion=completion.deploys
    ),
]
TargetGlob = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="GLOB",
        help="Those of these targets.",
        autocompletion=completion.targets,
    ),
]
Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        metavar="NAME",
        help="Those that deploy there.",
        autocompletion=completion.namespaces,
    ),
]
Why = Annotated[str, typer.Option("--reason", help="Why, for the log and the history.")]
By = Annotated[str | None, typer.Option("--by", help="Who asks; else your user name.")]


@dataclass(frozen=True, kw_only=True)
class Api:
    """Where the API is, and how to print its answers: the options of every command that asks it."""

    url: Url = None
    token_file: TokenFile = None
    state_dir: StateDir = None
    output: Shown = Output.TABLE

    @property
    def as_data(self) -> bool:
        """Whether scripts read the output: the API's answer, and nothing else."""
        return self.output in DATA

    @property
    def wide(self) -> bool:
        return self.output is Output.WIDE

    def write(self, body: object) -> None:
        """Prints the API's answer as JSON or YAML."""
        print(yaml_text(body) if self.output is Output.YAML else json_text(body))

    def separate(self, *, first: bool) -> None:
        """Prints what parts one table or document of several from the next."""
        if self.output is Output.YAML:
            print("---")
        elif not (first or self.as_data):
            print()

    def console(self, *, fitted: bool = False) -> Console:
        """`fitted` fits lines to the terminal also with `--output wide`."""
        return console(wide=self.wide and not fitted)

    def client(self) -> Client:
        """An API client, for a `with` block."""
        access = find_access(
            os.environ,
            url=self.url,
            token_file=self.token_file,
            state_dir=self.state_dir,
            cwd=Path.cwd(),
        )
        return Client(access)


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who makes a request, and why."""

    reason: Why = ""
    by: By = None

    @property
    def name(self) -> str:
        """The value of --by, else the user's name."""
        if self.by is not None:
            return self.by
        try:
            return getpass.getuser()[:100]
        except (OSError, KeyError, ImportError):  # a user id without a name
            return ""


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command its own options, and one for each field of its parameters that are dataclasses."""
    taken = inspect.signature(command, eval_str=True).parameters.values()
    groups: dict[str, Any] = {
        each.name: each.annotation for each in taken if is_dataclass(each.annotation)
    }

    @functools.wraps(command)
    def run(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{each.name: given.pop(each.name) for each in fields(group)})
        command(**given)

    own = [each for each in taken if each.name not in groups]
    shared = [option for group in groups.values() for option in _options(group)]
    run.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    return run


def _options(group: Any) -> list[inspect.Parameter]:
    kinds = get_type_hints(group, include_extras=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(each.name, keyword, default=each.default, annotation=kinds[each.name])
        for each in fields(group)
    ]


def split_name(name: str) -> tuple[str, int]:
    """`shop/42` in its parts. Raises UsageError."""
    target, slash, number = name.partition("/")
    if not (target and slash and number.isascii() and number.isdigit() and len(number) < 16):
        raise UsageError(f"{name!r} is not a deploy: write it like shop/42")
    return target, int(number)


def full_commit(name: str) -> str:
    """A commit's full name, in lower case. Raises UsageError."""
    if not FULL.fullmatch(found := name.lower()):
        raise UsageError(f"{name!r} is not a commit's full name: `git rev-parse HEAD` prints it")
    return found


def now() -> datetime:
    return datetime.now(UTC)
