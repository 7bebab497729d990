"""The headers of a delivery that the delivery log stores for a replay: those that the parser reads.

An allow-list. It must not contain authenticating headers, nor ones that a proxy or browser adds. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from dispatcher.webhooks.headers import RawHeaders

ALWAYS = ("Content-Type", "Content-Encoding")

_OTHERS = ("X-Forgejo-Event", "X-Gitea-Event", "X-Gogs-Event")
"""Headers that show that another host sent a delivery with GitHub's headers."""

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
"""Most bytes of a value; no parser accepts a longer one."""


def stored_headers(provider: str, headers: RawHeaders) -> tuple[tuple[str, str], ...]:
    """(name, value) pairs as they were sent, repeated ones included."""
    wanted = {name.lower().encode() for name in (*ALWAYS, *HEADERS.get(provider, ()))}
    return tuple(
        (name.decode("latin-1"), value[:SIZE].decode("latin-1"))
        for name, value in headers
        if name.lower() in wanted
    )


def raw_headers(stored: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Stored headers in the form that `receive` takes."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in stored]
