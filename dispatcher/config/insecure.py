"""Hooks without authentication: allowed only if web listens on loopback, or with --allow-insecure."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from dispatcher.config import Configuration
from dispatcher.config.networks import is_loopback
from dispatcher.domain.errors import ConfigError

log = structlog.get_logger()


def check_insecure_hooks(host: str, *, allowed: bool) -> Callable[[Configuration], None]:
    """Returns the check that web runs on each configuration: it raises ConfigError, or logs a warning.

    `host` is the address that web listens on; `allowed` permits insecure hooks on any address.
    """

    def accept(configuration: Configuration) -> None:
        insecure = [name for name, hook in configuration.hooks.items() if hook.insecure]
        if insecure and not allowed and not is_loopback(host):
            raise ConfigError(tuple(_mistake(name, host) for name in insecure))
        for name in insecure:
            log.warning("hook accepts unauthenticated deliveries", hook=name, host=host)

    return accept


def _mistake(hook: str, host: str) -> str:
    return (
        f"hooks.{hook}.insecure: true lets anyone who can reach {host}, where web listens, deploy; list "
        "secrets instead, or listen on 127.0.0.1, or start web with --allow-insecure"
    )
