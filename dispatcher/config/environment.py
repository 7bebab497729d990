"""Settings of a process, from environment variables. An empty variable counts as not set.

A variable that holds a secret can be given as a file instead: `REDIS_URL_FILE` for `REDIS_URL`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dispatcher.config.mistakes import Mistake, MistakesFound, show
from dispatcher.config.networks import Network, proxies, ranges
from dispatcher.config.users import UserRoles, user_roles
from dispatcher.domain.durations import read_duration, show_duration
from dispatcher.domain.secret import Secret
from dispatcher.domain.suggestions import nearest
from dispatcher.files import secret_from_file

REDIS_SCHEMES = ("redis", "rediss", "unix")
LONGEST_CALL = 5
"""Longest time that a worker waits for one request to the API server, connect and read; seconds."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The settings of a process that come from environment variables."""

    config: Path
    redis_url: Secret
    kubeconfig: str
    """"" for the in-cluster service account, or else ~/.kube/config."""
    kube_context: str
    """"" for the kubeconfig's current context."""
    host: str
    port: int
    api_tokens: tuple[Secret, ...]
    trusted_proxies: tuple[Network, ...]
    """Proxies that may name the sender's address."""
    proxy_header: str
    """The header in which these proxies name the sender's address."""
    failures_per_address: int
    """Unauthenticated deliveries a minute from which on web answers 429; 0 for no limit."""
    failures_per_hook: int
    connections: int
    connections_per_address: int
    subscribers: int
    """Who may follow the events of a web process at a time."""
    subscribers_per_token: int
    session: int
    """Seconds for which somebody is signed in to the dashboard."""
    user_header: str
    """The header in which a trusted proxy names the user, in lower case; "" if none does."""
    user_roles: UserRoles
    log_readers: int
    """How many requests web answers at once with a deploy's live log."""
    logs: int
    """How many logs the leading watcher relays at once."""
    instance: str
    queue: str
    lease: int
    """How long a worker holds a target without renewing its lease; seconds."""
    metrics_host: str
    metrics_port: int
    """Where worker and watcher serve their metrics; port 0 for nowhere."""
    metrics_from: tuple[Network, ...]
    """Who may read web's metrics without a token."""
    metrics_targets: int
    """Targets up to which each has series of its own; 0 for none."""
    pause_reminder: int
    """After how many seconds a pause is a trouble, and between two reminders in the log; 0 for never."""
    heartbeat_file: str
    """A file that worker and watcher touch while they are healthy, for a liveness probe; "" for none."""
    log_format: str
    log_level: str


@dataclass(frozen=True)
class Variable:
    """One environment variable: `read` takes its text and raises ValueError with a remedy."""

    name: str
    field: str
    default: str
    read: Callable[[str], Any]
    secret: bool = False


def _matching(pattern: str, remedy: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(f"{show(text)} {remedy}")
        return text

    return read


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not least <= int(text) <= most:
            raise ValueError(
                f"{show(text)} is not a whole number in range; choose between {least} and {most}"
            )
        return int(text)

    return read


def _duration(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        fits = re.fullmatch(r"0|(?:\d{1,6}[dhms])+", text, re.ASCII)
        if not fits or read_duration(text) > most:
            raise ValueError(
                f"{show(text)} is not a duration up to {show_duration(most)}; write it like 1d or 12h,"
                " or 0 for none"
            )
        return read_duration(text)

    return read


def _lease(text: str) -> int:
    """A lease must outlast the longest API call, or another worker takes the target during that call."""
    seconds = _whole(1, 60)(text)
    if seconds <= LONGEST_CALL:
        raise ValueError(
            f"{show(text)} is not longer than the longest API call ({LONGEST_CALL} s), so the lease could "
            f"expire during a call; choose between {LONGEST_CALL + 1} and 60"
        )
    return seconds


def _choice(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"{show(text)} is not one of {', '.join(words)}; choose one")
        return text.lower()

    return read


def _redis_url(text: str) -> Secret:
    try:
        url = urlsplit(text)
        usable = url.scheme in REDIS_SCHEMES and url.port != 0 and text.isprintable()
    except ValueError:
        usable = False
    if not usable or not (url.hostname or (url.scheme == "unix" and url.path)):
        raise ValueError("is not a Redis URL; write it like redis://:password@host:6379/0")
    return Secret(text.encode("utf-8", "surrogateescape"), "REDIS_URL")


def _tokens(text: str) -> tuple[Secret, ...]:
    named = [_named(token) for token in text.replace(",", "\n").split()]
    tokens = [token for _, token in named]
    for count, token in enumerate(tokens, 1):
        if len(token) < 16 or not token.isascii() or not token.isprintable():
            raise ValueError(
                f"token {count} of {len(tokens)} is shorter than 16 characters or is not "
                "ASCII; generate one with `openssl rand -hex 32`"
            )
    return tuple(
        Secret(token.encode(), name or f"{count} of {len(tokens)}")
        for count, (name, token) in enumerate(named, 1)
    )


def _named(token: str) -> tuple[str, str]:
    """Splits `ann=…` into the name that the log shows and the token. Base64 never looks like that."""
    match = re.fullmatch(r"([a-z][a-z0-9-]{0,29})=(.*[^=])", token)
    return (match[1], match[2]) if match else ("", token)


_HOST = _matching(
    r"[0-9A-Za-z.:_-]+", "is not an address to listen on; write it like 127.0.0.1 or ::"
)
_INSTANCE = _matching(
    r"[a-z0-9](?:[-a-z0-9]{0,28}[a-z0-9])?",
    "is not an instance name; use up to 30 lower-case letters, digits and inner dashes",
)
_USER_HEADER = _matching(
    r"(?:[a-z0-9]+(?:-[a-z0-9]+)*)?",
    "is not a header's name in lower case; write it like x-auth-request-email",
)
_QUEUE = _matching(
    r"[A-Za-z0-9._-]{1,60}", "is not a queue name; use letters, digits, dots and dashes"
)

VARIABLES = (
    Variable("DISPATCHER_CONFIG", "config", "git-dispatcher.yaml", Path),
    Variable("REDIS_URL", "redis_url", "redis://127.0.0.1:6379/0", _redis_url, secret=True),
    Variable("KUBECONFIG", "kubeconfig", "", str),
    Variable("DISPATCHER_KUBE_CONTEXT", "kube_context", "", str),
    # All addresses: in a container only those can be reached from outside.
    Variable("HOST", "host", "0.0.0.0", _HOST),  # noqa: S104
    Variable("PORT", "port", "8000", _whole(1, 65535)),
    Variable("DISPATCHER_API_TOKENS", "api_tokens", "", _tokens, secret=True),
    Variable("DISPATCHER_TRUSTED_PROXIES", "trusted_proxies", "", proxies),
    Variable(
        "DISPATCHER_PROXY_HEADER",
        "proxy_header",
        "x-forwarded-for",
        _choice("x-forwarded-for", "forwarded"),
    ),
    Variable("DISPATCHER_FAILURES_PER_ADDRESS", "failures_per_address", "30", _whole(0, 1_000_000)),
    Variable("DISPATCHER_FAILURES_PER_HOOK", "failures_per_hook", "300", _whole(0, 1_000_000)),
    Variable("DISPATCHER_CONNECTIONS", "connections", "1000", _whole(1, 1_000_000)),
    Variable(
        "DISPATCHER_CONNECTIONS_PER_ADDRESS",
        "connections_per_address",
        "100",
        _whole(0, 1_000_000),
    ),
    Variable("DISPATCHER_SUBSCRIBERS", "subscribers", "200", _whole(0, 1_000_000)),
    Variable(
        "DISPATCHER_SUBSCRIBERS_PER_TOKEN", "subscribers_per_token", "50", _whole(0, 1_000_000)
    ),
    Variable("DISPATCHER_SESSION", "session", "43200", _whole(60, 31_622_400)),
    Variable("DISPATCHER_USER_HEADER", "user_header", "", _USER_HEADER),
    Variable("DISPATCHER_USER_ROLES", "user_roles", "", user_roles),
    Variable("DISPATCHER_LOG_READERS", "log_readers", "100", _whole(1, 10_000)),
    Variable("DISPATCHER_LOGS", "logs", "30", _whole(1, 1_000)),
    Variable("DISPATCHER_INSTANCE", "instance", "default", _INSTANCE),
    Variable("DISPATCHER_QUEUE", "queue", "deploys", _QUEUE),
    Variable("DISPATCHER_LEASE", "lease", "6", _lease),
    Variable("DISPATCHER_METRICS_HOST", "metrics_host", "127.0.0.1", _HOST),
    Variable("DISPATCHER_METRICS_PORT", "metrics_port", "0", _whole(0, 65535)),
    Variable("DISPATCHER_METRICS_FROM", "metrics_from", "127.0.0.0/8, ::1", ranges),
    Variable("DISPATCHER_METRICS_TARGETS", "metrics_targets", "500", _whole(0, 1_000_000)),
    Variable("DISPATCHER_PAUSE_REMINDER", "pause_reminder", "1d", _duration(366 * 86400)),
    Variable("DISPATCHER_HEARTBEAT_FILE", "heartbeat_file", "", str),
    Variable("DISPATCHER_LOG_FORMAT", "log_format", "console", _choice("console", "json")),
    Variable(
        "DISPATCHER_LOG_LEVEL",
        "log_level",
        "info",
        _choice("debug", "info", "warning", "error", "critical"),
    ),
)
"""All environment variables; docs/configuration.md lists the same."""


_PREFIX = "DISPATCHER_"
_OF_A_SERVICE = re.compile(
    r".+_SERVICE_(HOST|PORT(_\w+)?)|.+_PORT(_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)?"
)
"""https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables"""


def mistyped_variables(environ: Mapping[str, str], others: Iterable[str] = ()) -> Iterator[Mistake]:
    """Reports variables that nothing reads and whose names nearly match ours or one of `others`.

    Variables that Kubernetes sets for a Service called dispatcher share our prefix.
    """
    known = {
        *others,
        *(v.name for v in VARIABLES),
        *(f"{v.name}_FILE" for v in VARIABLES if v.secret),
    }
    endings = {name.removeprefix(_PREFIX) for name in known if name.startswith(_PREFIX)}
    for name in sorted(environ.keys() - known):
        if not name.startswith(_PREFIX) or _OF_A_SERVICE.fullmatch(name):
            continue
        if near := nearest(name.removeprefix(_PREFIX), endings):
            text = f'is not a variable of git-dispatcher; did you mean "{_PREFIX}{near}"?'
            yield Mistake("", 0, name, text)


def read_variables(environ: Mapping[str, str]) -> Environment:
    """Raise MistakesFound with all mistakes."""
    values: dict[str, Any] = {}
    mistakes = []
    for variable in VARIABLES:
        try:
            text = _text(variable, environ) or variable.default
            values[variable.field] = variable.read(text)
        except ValueError as error:
            mistakes.append(Mistake("", 0, variable.name, str(error)))
    if mistakes:
        raise MistakesFound(*mistakes)
    return Environment(**values)


def _text(variable: Variable, environ: Mapping[str, str]) -> str:
    text = environ.get(variable.name, "")
    file = environ.get(f"{variable.name}_FILE", "") if variable.secret else ""
    if text and file:
        raise ValueError(f"and {variable.name}_FILE are both set; keep one of them")
    if not file:
        return text
    return secret_from_file(Path(file)).reveal().decode("utf-8", "surrogateescape")
