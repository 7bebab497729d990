"""Git's rules for names of objects and refs; the streams that refs belong to. Pure."""

from __future__ import annotations

import re

ZEROS = frozenset({"0" * 40, "0" * 64})
"""The object names that Git hosts send for "no commit" (SHA-1 and SHA-256 repositories)."""

MAX_REF = 1024

TAGS = "refs/tags"
"""The one stream that all tags of a target share."""

_OBJECT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# https://git-scm.com/docs/git-check-ref-format
_NO_REF = re.compile(
    r"[\x00-\x20\x7f-\x9f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|\Z)|[/.]\Z",
)


def object_name(text: str) -> str:
    """A full object name in lower case, zeros too; "" for anything else."""
    name = text.lower() if len(text) <= 64 else ""
    return name if _OBJECT.fullmatch(name) else ""


def is_ref(name: str) -> bool:
    """Whether it is the full name of a ref, of any kind."""
    return name.startswith("refs/") and len(name) <= MAX_REF and not _NO_REF.search(name)


def is_branch_or_tag(name: str) -> bool:
    return name.startswith(("refs/heads/", "refs/tags/"))


def short_ref(ref: str) -> str:
    """`main` for `refs/heads/main`, `v1` for `refs/tags/v1`, for display."""
    for prefix in ("refs/heads/", "refs/tags/"):
        if ref.startswith(prefix):
            return ref.removeprefix(prefix)
    return ref


def stream_of(ref: str) -> str:
    """The stream that a ref belongs to: a branch is its own, all tags share one."""
    return TAGS if ref.startswith("refs/tags/") else ref
