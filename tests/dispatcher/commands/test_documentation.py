"""docs/commands.md says what the command line does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from dispatcher import cli
from dispatcher.cli import build
from dispatcher.commands import access
from dispatcher.commands.exits import Exit
from dispatcher.commands.notify import PUSHERS

DOCUMENT = (Path(__file__).parents[3] / "docs" / "commands.md").read_text()


def leaves(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Each command, by its words: those of a group follow the group's."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


COMMANDS: dict[str, Any] = dict(leaves(typer.main.get_command(build())))
COMMON = {"--url", "--token-file", "--state-dir", "--output", "-o"}
"""Documented once, for the commands that ask the API."""
API = ("Targets and deploys", "Deliveries", "Notifications", "Pauses and repairs", "Access")
"""Panels of commands that ask it."""


def section(command: str) -> str:
    heading = f"### `git-dispatcher {command}`\n"
    assert heading in DOCUMENT
    return re.split(r"^##", DOCUMENT.partition(heading)[2], maxsplit=1, flags=re.MULTILINE)[0]


def options(text: str) -> set[str]:
    cells = re.findall(r"^- ((?:`-[^`]+`(?:, )?)+):", text, re.MULTILINE)
    return {option for cell in cells for option in re.findall(r"`([^`]+)`", cell)}


def has(command: str) -> set[str]:
    parameters = COMMANDS[command].params
    opts = {opt for p in parameters if p.param_type_name == "option" for opt in p.opts}
    return opts - {"--help", "-h"}


def test_every_command_is_documented() -> None:
    documented = re.findall(r"^### `git-dispatcher ([a-z -]+)`$", DOCUMENT, re.MULTILINE)

    order = [name for panel in cli.COMMANDS.values() for name in panel]
    assert documented == sorted(COMMANDS, key=lambda name: order.index(name.split()[0]))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_described_as_it_describes_itself(command: str) -> None:
    described = COMMANDS[command].help.rstrip(".")

    assert section(command).strip().startswith(described)
    assert len(described) <= 62  # one line of --help


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_documented(command: str) -> None:
    asks_the_api = has(command) >= COMMON

    assert options(section(command)) == (has(command) - COMMON if asks_the_api else has(command))


def test_the_common_options_are_documented() -> None:
    common = DOCUMENT.partition("All of these commands take the options")[2].partition("###")[0]

    assert options(common) == COMMON
    asking = {command for panel in API for command in cli.COMMANDS[panel]}
    assert asking == {name.split()[0] for name in COMMANDS if has(name) >= COMMON}


def test_every_exit_code_is_documented() -> None:
    exits = DOCUMENT.partition("exit codes:\n\n")[2].partition("\n\n")[0]
    documented = re.findall(r"^- (\d+): ", exits, re.MULTILINE)

    assert documented == [str(int(code)) for code in Exit]


@pytest.mark.parametrize("name", [access.URL, access.TOKEN, access.TOKEN_FILE, *PUSHERS])
def test_every_variable_is_documented(name: str) -> None:
    assert f"`{name}`" in DOCUMENT
