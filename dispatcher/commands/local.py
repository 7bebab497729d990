"""All parts on one machine: for trying out, development and tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dispatcher.commands.access import STATE_DIR


def up(
    state_dir: Annotated[Path, typer.Option(help="Where everything is kept.")] = STATE_DIR,
    config: Annotated[
        Path | None, typer.Option(help="File or directory; else one that it makes.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of web, if it is free.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many workers.")] = 2,
) -> None:
    """Starts all parts here, with a Valkey and a local cluster."""
    from dispatcher.local import up as starting  # needs the extra packages of `local`

    raise typer.Exit(starting.run(state_dir=state_dir, config=config, port=port, workers=workers))


def demo(
    keep: Annotated[Path | None, typer.Option(help="Keep what it did in this directory.")] = None,
) -> None:
    """Shows it at work, with a repository of its own."""
    from dispatcher.local import demo as showing

    raise typer.Exit(showing.run(keep=keep))
