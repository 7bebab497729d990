"""Pushes as tests write them: short names for commits, real ones in the ledger."""

from __future__ import annotations

import hashlib
from typing import Any

from dispatcher.ledger import Ledger, Submission
from dispatcher.model import Push, Result

ZERO = "0" * 40
MAIN = "refs/heads/main"


def sha(name: str) -> str:
    """A commit's object name; "0" is the one that stands for none."""
    return ZERO if name == "0" else hashlib.sha1(name.encode()).hexdigest()


def push(before: str, after: str, ref: str = MAIN, at: int = 0) -> Push:
    return Push(
        repository="git.example.com/acme/shop",
        ref=ref,
        before=sha(before) if before else "",
        after=sha(after),
        pushed_at=at,
        title=f"commit {after}",
        pusher="ann",
    )


def submit(
    ledger: Ledger, what: Push, delivery: str = "", target: str = "shop", **more: Any
) -> Result:
    """Hands one push in, as web does, and returns the answer."""
    named: dict[str, Any] = {"delivery": delivery} if delivery else {}
    submission = Submission(target=target, push=what, hook="hook", **named, **more)
    (raw,) = ledger.scripts.run_many([submission.call(ledger.keys, ledger.limits)])
    return submission.answer(raw).result
