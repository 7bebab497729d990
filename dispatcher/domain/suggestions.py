"""What somebody may have meant who wrote a word that is none of those there are. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST = 60
"""Characters of a word that are looked at."""
LISTED = 40
"""So many words are listed."""


def nearest(word: str, words: Iterable[str]) -> str:
    """The most similar one; "" where none is."""
    near = difflib.get_close_matches(word[:LONGEST], list(words), n=1, cutoff=0.7)
    return near[0] if near else ""


def did_you_mean(word: str, words: Iterable[str], elsewhere: Iterable[str] = ()) -> str:
    """The remedy for a word that is none of `words`: the nearest of all, or a list of them."""
    known = sorted(words)
    if near := nearest(word, [*known, *elsewhere]):
        return f'did you mean "{near}"?'
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    return f"there are: {', '.join(known[:LISTED])}{more}" if known else "there are none"
