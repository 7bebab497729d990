"""The section `notifications`: who is sent what happens to deploys and targets.

A webhook's URL can hold a token in its path, and a chat's always does: no message shows more of either than
scheme and host.
"""

from __future__ import annotations

import binascii
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo, model_validator

from dispatcher.config.jobs import Settings
from dispatcher.config.mistakes import Conflict, show
from dispatcher.config.networks import is_loopback
from dispatcher.config.secret import SecretValue, read_secret
from dispatcher.config.values import (
    DAY,
    HOUR,
    MINUTE,
    AtLeastOne,
    Flag,
    Name,
    PathGlob,
    Whole,
    duration,
)
from dispatcher.domain.cause import CauseKind
from dispatcher.domain.notification import EVENT_NAMES
from dispatcher.domain.secret import Secret
from dispatcher.domain.suggestions import did_you_mean

MOST_RECEIVERS = 20
"""Each has a thread and connections of its own in the leading watcher."""
SHORTEST_KEY, LONGEST_KEY = 24, 64
"""Bytes: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
MAKE = 'echo "whsec_$(openssl rand -base64 32)"'
WRITTEN = "configuration"
"""Source of a URL that the configuration holds itself."""


def _event(value: str) -> str:
    if value not in EVENT_NAMES:
        raise ValueError(
            f"{show(value)} is no event and no state; {did_you_mean(value, EVENT_NAMES)}"
        )
    return value


def _cause(value: str) -> str:
    if value not in list(CauseKind):
        raise ValueError(f"{show(value)} is not a cause; {did_you_mean(value, CauseKind)}")
    return value


def _url(value: Any, info: ValidationInfo) -> Secret:
    """A URL as it is, or where it is kept."""
    return Secret(value.encode(), WRITTEN) if isinstance(value, str) else read_secret(value, info)


Globs = tuple[PathGlob, ...]
Events = tuple[Annotated[str, AfterValidator(_event)], ...]
Causes = tuple[Annotated[str, AfterValidator(_cause)], ...]
Pause = Annotated[int, duration(1, HOUR)]
GiveUp = Annotated[int, duration(MINUTE, 7 * DAY)]


class Receiver(Settings):
    """What webhooks and chats have in common. An empty list stands for all."""

    targets: Globs = ()
    namespaces: Globs = ()
    events: Events = ()
    causes: Causes = ()
    """Of events that have a cause."""
    longest_pause: Pause = 10 * MINUTE
    """Between two attempts."""
    give_up_after: GiveUp = DAY
    """How old an event may become before an attempt that fails is the last one."""


class Webhook(Receiver):
    """Is sent every event that it wants, as a signed CloudEvent."""

    url: Annotated[Secret, PlainValidator(_url)]
    allow_http: Flag = False
    """Whether `url` may be http elsewhere than on loopback."""
    secrets: Annotated[tuple[SecretValue, ...], AtLeastOne]
    """Each signs: a receiver that knows one of them accepts."""
    timeout: Annotated[int, duration(1, MINUTE)] = 10

    @property
    def where(self) -> str:
        """Scheme, host and port."""
        return _origin(self.url.reveal().decode("utf-8", "replace")) or self.url.source

    @model_validator(mode="after")
    def _url_fits(self) -> Webhook:
        text = self.url.reveal()
        if text and (problem := _url_problem(text, allow_http=self.allow_http)):
            raise Conflict(problem, "url")
        return self

    @model_validator(mode="after")
    def _secrets_fit(self) -> Webhook:
        for secret in self.secrets:
            if secret.reveal() and (problem := _key_problem(secret.reveal())):
                raise Conflict(f"{secret.source} {problem}", "secrets")
        return self


class Summarize(Settings):
    """How a chat is kept readable."""

    within: Annotated[int, duration(0, DAY)] = 10 * MINUTE
    """In so long at most one message about a target; 0s for all messages."""
    most: Annotated[Whole, Field(ge=1, le=1000)] = 20
    """Messages in so long about all targets together."""


class Chat(Receiver):
    """Is sent words for people, by any service that apprise knows."""

    events: Events = ("failed", "lost", "trouble", "recovered")
    give_up_after: GiveUp = HOUR
    url: SecretValue
    """https://github.com/caronc/apprise/wiki"""
    summarize: Summarize = Summarize()

    @property
    def where(self) -> str:
        """The service."""
        scheme, separator, _ = self.url.reveal().decode("utf-8", "replace").partition("://")
        return f"{scheme}://…" if separator else self.url.source

    @model_validator(mode="after")
    def _url_fits(self) -> Chat:
        text = self.url.reveal().decode("utf-8", "replace")
        if text and not ("://" in text and text.isprintable() and " " not in text):
            raise Conflict(
                f"{self.url.source} is not an apprise URL; write it like slack://… or mailto://…, "
                "as apprise's documentation says for your service",
                "url",
            )
        return self


class NotificationSettings(Settings):
    """The section `notifications`: receivers by name."""

    webhooks: dict[Name, Webhook] = {}  # noqa: RUF012  # pydantic copies it
    chat: dict[Name, Chat] = {}  # noqa: RUF012

    @property
    def receivers(self) -> dict[str, Webhook | Chat]:
        return {**self.webhooks, **self.chat}

    @model_validator(mode="after")
    def _names_differ(self) -> NotificationSettings:
        if both := sorted(self.webhooks.keys() & self.chat.keys()):
            raise Conflict(f"{both[0]} is a webhook's name too; name one of them otherwise", "chat")
        if len(self.receivers) > MOST_RECEIVERS:
            text = f"has more than {MOST_RECEIVERS} receivers; let some of them share one"
            raise Conflict(text, "webhooks" if self.webhooks else "chat")
        return self


def _url_problem(url: bytes, *, allow_http: bool) -> str:
    wrong = "is not a URL; write it like https://events.example.com/deploys"
    try:
        text = url.decode("ascii")
        parts = urlsplit(text)
        usable = bool(parts.hostname) and parts.port != 0 and text.isprintable() and " " not in text
    except ValueError:
        return wrong
    if not usable or parts.scheme not in ("https", "http") or parts.fragment:
        return wrong
    if parts.username is not None:
        return "holds a user name; the signature proves who sends, so remove it"
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname or ""):
        return "is http, which anyone on the way can read; write https, or add `allow_http: true`"
    return ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _key_problem(secret: bytes) -> str:
    if not secret.startswith(b"whsec_"):
        return (
            f"does not begin with whsec_, as keys of Standard Webhooks do; make one with `{MAKE}`"
        )
    text = secret.removeprefix(b"whsec_")
    try:
        size = len(binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True))
    except binascii.Error:
        return "begins with whsec_, but what follows is not base64; copy the key as a whole"
    if not SHORTEST_KEY <= size <= LONGEST_KEY:
        return f"has {size} bytes, and a key has {SHORTEST_KEY} to {LONGEST_KEY}; make one with `{MAKE}`"
    return ""
