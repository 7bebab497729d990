"""One error tree. What the user can do about it stands in the message; no library's exception crosses
a module's border, and no message ever holds a secret, a signature or a body."""

from __future__ import annotations


class DispatcherError(Exception):
    """Root of everything that git-dispatcher raises on purpose."""


class ConfigError(DispatcherError):
    """The configuration has mistakes; all of them are listed, each with file, line, field, value, remedy."""

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        self.mistakes = mistakes
        noun = "mistake" if len(mistakes) == 1 else "mistakes"
        super().__init__("\n".join([f"{len(mistakes)} {noun} in the configuration:", *mistakes]))


class UsageError(DispatcherError):
    """A command or request asks for something that cannot be; the message says what could."""


class LedgerUnavailable(DispatcherError):
    """Redis did not answer, or not in time. What was asked for may or may not have happened."""


class LedgerCorrupt(DispatcherError):
    """Redis answered something that this version cannot read."""


class LeaseLost(DispatcherError):
    """Another worker holds the target by now; nothing was written."""


class LeadershipLost(DispatcherError):
    """Another watcher leads by now; what this one saw was not written."""


class IllegalTransition(DispatcherError):
    """A change of a deploy's state that the table of transitions does not have."""


class ClusterError(DispatcherError):
    """The Kubernetes API did not do what was asked."""

    retry_after = 0.0
    """Seconds for which the API server asks to be left alone; 0 if it does not say."""
    sent = True
    """False where it was not even asked."""


class ClusterUnavailable(ClusterError):
    """No answer, a time-out, 401, 429 or 5xx: what was asked for may have happened. Try again later."""

    def __init__(self, text: str, retry_after: float = 0.0, *, sent: bool = True) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        self.sent = sent


class ClusterRefused(ClusterError):
    """A definite no (4xx): nothing was changed, and the same request would be refused again."""


class ClusterForbids(ClusterRefused):
    """403: a quota, an admission rule or missing rights. Nothing was changed; another time it may be."""
