"""`git-dispatcher …`: every command, its module, and the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from dispatcher import __version__
from dispatcher.commands.completion import completed_command
from dispatcher.commands.exits import Exit, code_of
from dispatcher.domain.errors import DispatcherError

COMMANDS: dict[str, dict[str, str]] = {
    "Processes": dict.fromkeys(("web", "worker", "watcher", "sweep"), "processes"),
    "Configuration": {"check": "check", "explain": "explain"},
    "Targets and deploys": {
        "status": "status",
        "targets": "targets",
        "queue": "queue",
        "events": "events",
        "deploys": "deploys",
        "show": "deploys",
        "logs": "logs",
        "wait": "wait",
        "commit": "commit",
        "redeploy": "redeploy",
        "cancel": "deploys",
        "release": "deploys",
    },
    "Deliveries": {"hooks": "hooks", "deliveries": "deliveries", "replay": "replay"},
    "Notifications": {"notifications": "notifications"},
    "Pauses and repairs": {
        "pause": "pauses",
        "resume": "pauses",
        "repairs": "repairs",
        "system": "status",
    },
    "Access": {"token": "access_tokens", "audit": "access_tokens"},
    "Git servers": {"notify": "notify"},
    "On one machine": {"up": "local", "demo": "local"},
}
"""Panel of the help → command → module of `dispatcher.commands` with the function, or the group of
commands, of that name."""


def build(wanted: str = "") -> typer.Typer:
    """The application. If `wanted` names a command, it has only that one: `notify` runs during a `git push`,
    and must not import the modules of other commands."""
    app = typer.Typer(
        name="git-dispatcher",
        help="Turns a Git push into a finished deploy on Kubernetes.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    known = any(wanted in commands for commands in COMMANDS.values())
    for panel, commands in COMMANDS.items():
        for command, module in commands.items():
            if not known or command == wanted:
                found = getattr(import_module(f"dispatcher.commands.{module}"), command)
                if isinstance(found, typer.Typer):
                    app.add_typer(found, name=command, rich_help_panel=panel)
                else:
                    app.command(rich_help_panel=panel)(found)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        print(f"git-dispatcher {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code, one of `Exit`."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        wanted = arguments[0] if arguments else completed_command(os.environ)
        build(wanted)(args=arguments, prog_name="git-dispatcher")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else Exit.DONE
    except DispatcherError as error:
        print(f"git-dispatcher: {error}", file=sys.stderr)
        return code_of(error)
    return Exit.DONE


if __name__ == "__main__":
    sys.exit(main())
