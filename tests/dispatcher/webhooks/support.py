"""Deliveries as the Git hosts would send them, made from the fixtures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dispatcher.domain.push import Push
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.receiving import receive
from dispatcher.webhooks.results import Ignored, Parsed, Received, Rejected

FIXTURES = Path(__file__).parent / "fixtures"
SECRET = b"a secret of the tests"
JSON = "application/json"

OLD, NEW, MIDDLE, TAG = "a1" * 20, "b2" * 20, "c3" * 20, "d4" * 20
ZERO = "0" * 40
NOW = 1763805300
"""Seconds since the epoch at which everything is received."""
UUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


def hmac_of(body: bytes, secret: bytes = SECRET) -> str:
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def standard(body: bytes, key: bytes, moment: int = NOW, name: str = "msg-1") -> dict[str, str]:
    """The headers of Standard Webhooks, for a key in its bytes."""
    signed = b"%s.%d.%s" % (name.encode(), moment, body)
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": name,
        "webhook-timestamp": str(moment),
        "webhook-signature": f"v1,{digest}",
    }


def _github(event: str, body: bytes) -> dict[str, str]:
    return {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": UUID,
        "X-Hub-Signature": "sha1=" + hmac.new(SECRET, body, hashlib.sha1).hexdigest(),
        "X-Hub-Signature-256": hmac_of(body),
    }


def _gitlab(event: str, _body: bytes) -> dict[str, str]:
    return {
        "X-Gitlab-Event": event.replace("_", " ").title(),
        "X-Gitlab-Token": SECRET.decode(),
        "X-Gitlab-Event-UUID": "13792a34-cac6-4fda-95a8-c58e00a3954e",
        "X-Gitlab-Webhook-UUID": "6554538b-e379-4b97-9bd3-8a2c1b1e3c4b",
        "Idempotency-Key": "f5e5f430-f57b-4e6e-9fac-d9128cd7232f",
    }


def _like_gitea(*hosts: str) -> Callable[[str, bytes], dict[str, str]]:
    """The host's own headers first, then those that it has inherited."""

    def headers(event: str, body: bytes) -> dict[str, str]:
        sent = {"X-GitHub-Event": event, "X-GitHub-Delivery": UUID}
        for host in hosts:
            sent[f"X-{host}-Event"] = event
            sent[f"X-{host}-Delivery"] = UUID
            sent[f"X-{host}-Signature"] = hmac_of(body).removeprefix("sha256=")
        if hosts != ("Gogs",):
            sent["X-Hub-Signature-256"] = hmac_of(body)
        return sent

    return headers


def _bitbucket(event: str, body: bytes) -> dict[str, str]:
    return {
        "X-Event-Key": event.replace("_", ":", 1),
        "X-Hook-UUID": "{11111111-2222-3333-4444-555555555555}",
        "X-Request-UUID": UUID,
        "X-Attempt-Number": "1",
        "X-Hub-Signature": hmac_of(body),
    }


def _bitbucket_server(event: str, body: bytes) -> dict[str, str]:
    return {
        "X-Event-Key": event.replace("_", ":", 1),
        "X-Request-Id": UUID,
        "X-Hub-Signature": hmac_of(body),
    }


def basic(credentials: bytes) -> str:
    return "Basic " + base64.b64encode(credentials).decode()


def _azure_devops(_event: str, _body: bytes) -> dict[str, str]:
    return {"Authorization": basic(SECRET)}


def _generic(_event: str, body: bytes) -> dict[str, str]:
    return {"X-Signature-256": hmac_of(body), "X-Delivery-Id": "delivery-1"}


HEADERS: Mapping[str, Callable[[str, bytes], dict[str, str]]] = {
    "github": _github,
    "gitlab": _gitlab,
    "gitea": _like_gitea("Gitea", "Gogs"),
    "forgejo": _like_gitea("Forgejo", "Gitea", "Gogs"),
    "gogs": _like_gitea("Gogs"),
    "bitbucket": _bitbucket,
    "bitbucket-server": _bitbucket_server,
    "azure-devops": _azure_devops,
    "generic": _generic,
}


@dataclass(frozen=True)
class Sent:
    """A signed delivery; the signature is made when it goes out, of whatever the body is then."""

    provider: str
    event: str
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str | None] = field(default_factory=dict)
    """These replace what the host would send; None leaves a header out."""
    repeated: tuple[tuple[bytes, bytes], ...] = ()
    """Sent in addition."""
    secrets: tuple[bytes, ...] = (SECRET,)
    now: float = NOW

    def but(self, **changes: Any) -> Sent:
        return replace(self, **changes)

    def with_fields(self, **changes: object) -> Sent:
        return self.but(body=json.dumps(json.loads(self.body) | changes).encode())

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        usual = HEADERS[self.provider](self.event, self.body)
        merged = {"Host": "deploy.example.com", "Content-Type": self.content_type, **usual}
        merged |= self.headers  # type: ignore[arg-type]
        pairs = [
            (n.lower().encode(), v.encode("latin-1")) for n, v in merged.items() if v is not None
        ]
        return [*pairs, *self.repeated]

    def answer(self) -> Parsed:
        trust = Trust(self.secrets, self.now)
        return receive(self.provider, self.raw_headers, self.body, trust)

    def received(self) -> Received:
        answer = self.answer()
        assert isinstance(answer, Received), answer
        return answer

    def push(self) -> Push:
        (push,) = self.received().pushes
        return push

    def ignored(self) -> Ignored:
        answer = self.answer()
        assert isinstance(answer, Ignored), answer
        return answer

    def rejected(self) -> Rejected:
        answer = self.answer()
        assert isinstance(answer, Rejected), answer
        return answer


def sent(name: str) -> Sent:
    """The delivery of a fixture: `github/push__branch`."""
    provider, _, rest = name.partition("/")
    body = (FIXTURES / f"{name}.json").read_bytes()
    return Sent(provider=provider, event=rest.partition("__")[0], body=body)


def names() -> list[str]:
    """All fixtures, as `sent` takes them."""
    found = sorted(FIXTURES.glob("*/*.json"))
    return [path.relative_to(FIXTURES).with_suffix("").as_posix() for path in found]
