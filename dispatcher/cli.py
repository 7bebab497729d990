"""`git-dispatcher …`: every command, and what its end is called."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from dispatcher import __version__
from dispatcher.commands import local, people, processes, reporting
from dispatcher.commands.exits import Exit, code_of
from dispatcher.errors import DispatcherError

app = typer.Typer(
    name="git-dispatcher",
    help="Turns a Git push into a finished deploy on Kubernetes.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PANELS: dict[str, tuple[Callable[..., Any], ...]] = {
    "Processes": (processes.web, processes.worker, processes.watcher, processes.check),
    "People": (people.targets, people.deploys, people.show, people.redeploy, reporting.notify),
    "On one machine": (local.up, local.demo),
}

for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"git-dispatcher {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code; `Exit` says what it means."""
    try:
        app(args=None if argv is None else list(argv), prog_name="git-dispatcher")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else Exit.DONE
    except DispatcherError as error:
        print(f"git-dispatcher: {error}", file=sys.stderr)
        return code_of(error)
    return Exit.DONE


if __name__ == "__main__":
    sys.exit(main())
