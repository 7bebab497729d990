"""The files that a list of commits changes, in the format that GitHub and GitLab share.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from dispatcher.webhooks import fields


class Commit(msgspec.Struct, frozen=True):
    id: str = ""
    message: str | None = None
    added: tuple[str, ...] | None = None
    modified: tuple[str, ...] | None = None
    removed: tuple[str, ...] | None = None

    def files(self) -> Iterator[str]:
        for files in (self.added, self.modified, self.removed):
            yield from files or ()


def new_files(commits: Sequence[Commit]) -> tuple[str, ...]:
    """Every path that one of the commits lists as added."""
    return tuple(dict.fromkeys(path for commit in commits for path in commit.added or ()))


def paths(commits: Sequence[Commit], *, complete: bool) -> tuple[str, ...] | None:
    """Every path that the commits touch, or None where one may be missing.

    `complete` says whether the list has all commits of the push. A commit without files may be one for
    which the host listed none for lack of time.
    """
    if not complete or not commits:
        return None
    if any(next(commit.files(), None) is None for commit in commits):
        return None
    return fields.paths(path for commit in commits for path in commit.files())
