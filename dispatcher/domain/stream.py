"""Streams: a target's pushes to one branch; all its tags together. Pure."""

from __future__ import annotations

TAGS = "refs/tags"
"""The one stream that all tags of a target share."""


def stream_of(ref: str) -> str:
    """The stream that a ref belongs to: a branch is its own, all tags share one."""
    return TAGS if ref.startswith("refs/tags/") else ref
