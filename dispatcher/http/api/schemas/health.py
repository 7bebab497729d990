"""JSON bodies about the health of web and of what it needs."""

from __future__ import annotations

import msgspec


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    live: bool


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """All fields but `ready` are only for clients with an API token."""

    ready: bool
    version: str | msgspec.UnsetType = msgspec.UNSET
    ledger: str | msgspec.UnsetType = msgspec.UNSET
    """"ok", or "unavailable: …"."""
    cluster: str | msgspec.UnsetType = msgspec.UNSET
    """The same for the cluster, as the leading watcher sees it; "unknown" without the ledger."""
    workers: str | msgspec.UnsetType = msgspec.UNSET
    """The same for all workers; "degraded: …" if some are late."""
    configuration: str | msgspec.UnsetType = msgspec.UNSET
    """"ok", "refused: …" or "differs: …"; "unknown" without the ledger."""
    web: str | msgspec.UnsetType = msgspec.UNSET
    """The same for web's background tasks."""
    durability: str | msgspec.UnsetType = msgspec.UNSET
    """What the ledger loses if its host is lost; "" if unknown."""
