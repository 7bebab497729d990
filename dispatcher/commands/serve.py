"""Serves the web application until SIGTERM, and finishes requests in progress first."""

from __future__ import annotations

import signal
import socket
from collections.abc import Mapping
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from dispatcher.app import create_app
from dispatcher.config import Environment, load
from dispatcher.config.insecure import check_insecure_hooks
from dispatcher.config.reloading import Reloader
from dispatcher.domain.errors import UsageError
from dispatcher.http.connection.connection_limits import ConnectionLimits
from dispatcher.http.connection.protocol import HEADER_BYTES, Connection
from dispatcher.runtime import logs
from dispatcher.runtime.failfast import watch_threads

KEEP_ALIVE = 30
"""Seconds after which web closes an idle connection."""
FINISH_WITHIN = 15
"""Seconds for open requests after the signal to stop."""
BACKLOG = 2048


def serve(environ: Mapping[str, str], *, allow_insecure: bool = False) -> None:
    """Returns after SIGTERM or SIGINT. Raises ConfigError, and UsageError where it cannot listen."""
    settings = load(environ).environment
    logs.configure(settings.log_format, settings.log_level)
    watch_threads()
    accept = check_insecure_hooks(settings.host, allowed=allow_insecure)
    source = Reloader(settings.config, environ, accept)
    limits = _limits(settings)
    app = create_app(settings, source, allow_insecure=allow_insecure, limits=limits)
    with listen(settings.host, settings.port) as listener:
        server = uvicorn.Server(server_config(app, limits))
        _stop_on_signals(server)
        server.run(sockets=[listener])


def _limits(settings: Environment) -> ConnectionLimits:
    per_address = settings.connections_per_address
    return ConnectionLimits(settings.connections, per_address, settings.trusted_proxies)


def server_config(
    app: ASGIApp, limits: ConnectionLimits, kind: type[Connection] = Connection
) -> uvicorn.Config:
    """uvicorn's settings. It logs where we log; there is no access log, which would hold URLs and headers."""
    return uvicorn.Config(
        app,
        http=partial(kind, limits=limits),  # type: ignore[arg-type]  # uvicorn only calls it
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=FINISH_WITHIN,
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is any free one. Raises UsageError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        listener = socket.create_server(
            (host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both
        )
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}, port {port} ({error.strerror or error}): "
            "choose another with --host and --port, or HOST and PORT"
        ) from None
    # asyncio sets TCP_NODELAY only on a socket whose protocol is TCP; without it an answer takes 40 ms longer.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, listener.detach())


def _stop_on_signals(server: uvicorn.Server) -> None:
    """uvicorn raises the signal again after its shutdown; a requested stop is no failure."""

    def stop(*_: Any) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
