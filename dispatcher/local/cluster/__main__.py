"""`python -m dispatcher.local.cluster`: the cluster as a process of its own.

    --state-dir DIR      objects, certificate, token, kubeconfig, and the Pods' files
    --host, --port       loopback only; port 0 means the last start's, or any that is free
    --pod-backoff S      seconds before a failed Pod is first replaced (a real cluster: 10)
    --watch-window N     changes per kind that a watch can go back
    --parent-death-signal  end when the parent process does
    --log-level LEVEL    what is written to standard error

When it listens, it prints one line that says where. SIGTERM ends it and everything it runs.
"""

import argparse
import asyncio
import ipaddress
import logging
import sys
from pathlib import Path

from dispatcher.local.cluster.apimachinery.errors import SetupError
from dispatcher.local.cluster.cluster import Settings, serve
from dispatcher.local.cluster.parent_death import die_with_parent


def _settings(arguments: list[str] | None = None) -> tuple[Settings, argparse.Namespace]:
    parser = argparse.ArgumentParser(prog="python -m dispatcher.local.cluster")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pod-backoff", type=float, default=1.0)
    parser.add_argument("--watch-window", type=int, default=5000)
    parser.add_argument("--parent-death-signal", action="store_true")
    parser.add_argument("--log-level", default="warning")
    options = parser.parse_args(arguments)
    settings = Settings(
        directory=options.state_dir.absolute(),
        host=_loopback(options.host),
        port=options.port,
        backoff=options.pod_backoff,
        window=options.watch_window,
    )
    return settings, options


def _loopback(host: str) -> str:
    """Whoever reaches the cluster with the token runs commands, so it isn't for other machines."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        allowed = ipaddress.ip_address(address).is_loopback
    except ValueError:
        allowed = False
    if not allowed:
        raise SetupError(f"--host {host}: the local cluster listens on loopback only (127.0.0.1)")
    return address


def main() -> int:
    try:
        settings, options = _settings()
        logging.basicConfig(
            level=options.log_level.upper(),
            stream=sys.stderr,
            format="%(levelname)s %(name)s: %(message)s",
        )
        if options.parent_death_signal:
            die_with_parent()
        asyncio.run(serve(settings))
    except SetupError as error:
        print(f"local cluster: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
