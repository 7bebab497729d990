"""Who this process is: its host, its id, and a name that no other process has or had."""

from __future__ import annotations

import os
import secrets
import socket
from functools import cache


def host() -> str:
    return socket.gethostname()


def pid() -> int:
    return os.getpid()


@cache
def name() -> str:
    """A restarted container has the same host and process id, and RQ refuses the name of a killed worker until
    that has timed out: hence the random part."""
    return f"{host()}-{pid()}-{secrets.token_hex(2)}"
