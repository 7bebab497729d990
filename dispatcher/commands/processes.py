"""The processes: web runs here; for worker, watcher and sweep this process executes another program."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from dispatcher.commands.worker_program import exec_workers


def web(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; else PORT.")] = None,
    allow_insecure: Annotated[
        bool, typer.Option("--allow-insecure", help="Take hooks without secrets on any address.")
    ] = False,
) -> None:
    """Receives deliveries, records pushes, serves the API."""
    from dispatcher.commands.serve import serve  # only here, so that other commands start at once

    given = {"HOST": host, "PORT": port}
    options = {name: str(value) for name, value in given.items() if value is not None}
    serve({**os.environ, **options}, allow_insecure=allow_insecure)


def worker() -> None:
    """Creates and deletes Jobs, one target at a time."""
    exec_workers("worker")


def watcher() -> None:
    """Follows Jobs and Pods, and wakes targets that are due."""
    exec_workers("watcher")


def sweep(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be repaired.")
    ] = False,
) -> None:
    """Repairs what was left over in the ledger or the cluster."""
    exec_workers("sweep", *(["--dry-run"] if dry_run else []))
