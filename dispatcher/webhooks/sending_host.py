"""Which host a delivery really is from: some send other hosts' headers beside their own.

Each was made from the next, and kept what its receivers knew:
https://forgejo.org/docs/latest/user/webhooks/
https://docs.gitea.com/usage/webhooks
Pure.
"""

from __future__ import annotations

from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.parsed import Refused

HOSTS = ("Forgejo", "Gitea", "Gogs", "GitHub")
"""Each sends the headers of those behind it too, so that the first whose header is there sent it."""


def check(headers: Headers, host: str) -> None:
    """Raises Refused where a delivery to a hook of `host` was sent by one that sends its headers too."""
    for other in HOSTS[: HOSTS.index(host)]:
        header = f"X-{other}-Event"
        if header in headers:
            raise wrong_provider(header, other, other.lower())


def wrong_provider(header: str, host: str, provider: str) -> Refused:
    """A delivery that another host sent: what it means is not guessed."""
    return Refused(
        400,
        "wrong_provider",
        f"{header} says that {host} sent this: use a hook whose provider is {provider}",
    )
