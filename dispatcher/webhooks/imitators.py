"""Hosts that send other hosts' headers beside their own: who a delivery really is from.

Each was made from the next, and kept what its receivers knew:
https://forgejo.org/docs/latest/user/webhooks/
https://docs.gitea.com/usage/webhooks
Pure.
"""

from __future__ import annotations

from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.outcomes import wrong_provider

HOSTS = ("Forgejo", "Gitea", "Gogs", "GitHub")
"""Each sends the headers of those behind it too, so that the first whose header is there sent it."""


def refuse(headers: Headers, host: str) -> None:
    """Raises Refused where a delivery to a hook of `host` was sent by one that imitates it."""
    for imitator in HOSTS[: HOSTS.index(host)]:
        header = f"X-{imitator}-Event"
        if header in headers:
            raise wrong_provider(header, imitator, imitator.lower())
