"""Which headers of a delivery are stored to parse it again: those that its provider's parser reads.

An allow-list: nothing that authenticates is on it, nor what a proxy or a browser may add. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from dispatcher.webhooks.headers import RawHeaders

ALWAYS = ("Content-Type", "Content-Encoding")

_OTHERS = ("X-Forgejo-Event", "X-Gitea-Event", "X-Gogs-Event")
"""They tell of a delivery with GitHub's headers that another host sent it."""

HEADERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "github": ("X-GitHub-Event", "X-GitHub-Delivery", *_OTHERS),
        "gitlab": ("X-Gitlab-Event", "Idempotency-Key", "webhook-id"),
        "gitea": ("X-Gitea-Event", "X-Gitea-Delivery", "X-Forgejo-Event"),
        "forgejo": ("X-Forgejo-Event", "X-Forgejo-Delivery"),
        "gogs": ("X-Gogs-Event", "X-Gogs-Delivery", "X-Gitea-Event", "X-Forgejo-Event"),
        "bitbucket": ("X-Event-Key", "X-Hook-UUID", "X-Request-UUID"),
        "bitbucket-server": ("X-Event-Key", "X-Hook-UUID", "X-Request-Id"),
        "azure-devops": (),
        "generic": ("X-Delivery-Id", "webhook-id"),
    }
)
"""Provider -> names."""

SIZE = 1024
"""Bytes of a value; no parser takes a longer one."""


def stored_headers(provider: str, headers: RawHeaders) -> tuple[tuple[str, str], ...]:
    """(name, value) pairs as they were sent, repeated ones included."""
    wanted = {name.lower().encode() for name in (*ALWAYS, *HEADERS.get(provider, ()))}
    return tuple(
        (name.decode("latin-1"), value[:SIZE].decode("latin-1"))
        for name, value in headers
        if name.lower() in wanted
    )


def raw_headers(stored: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """The same as `receive` takes them."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in stored]
