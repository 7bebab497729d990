"""One updated ref, whatever host it came from. Values only."""

from __future__ import annotations

import msgspec

from dispatcher.domain.refs import ZEROS, stream_of


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """One updated ref, whatever host it came from."""

    repository: str
    """Normalised identity, `host[:port]/path`, lower case, without `.git`."""
    aliases: tuple[str, ...] = ()
    """Identities of the other addresses that the host gives for the same repository: by ssh, for example."""
    ref: str
    """Full name: `refs/heads/…` or `refs/tags/…`."""
    before: str
    """Object name before the push; zeros when the ref is new; "" when the host does not say."""
    after: str
    """Object name after the push; zeros when the ref was deleted."""
    commit: str = ""
    """The commit behind `after`, where that is an annotated tag and the host tells; else ""."""
    pushed_at: int = 0
    """The host's own push time; 0 when it sends none."""
    title: str = ""
    """First line of the head commit's message, at most 200 characters."""
    message: str = ""
    """The head commit's message, for `[skip ci]`; at most 4,000 characters."""
    pusher: str = ""
    paths: tuple[str, ...] | None = None
    """Every path touched, or None when the host cut the list short or sends none."""
    maybe_renamed: tuple[str, ...] = ()
    """Those of `paths` that may be the new names of files whose old names the host does not list."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Everything that the host calls the repository; the first stands for it."""
        return (self.repository, *self.aliases)

    @property
    def deleted(self) -> bool:
        return self.after in ZEROS

    @property
    def stream(self) -> str:
        return stream_of(self.ref)
