"""Pushes as tests write them: short names for commits, real ones in the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import redis

from dispatcher.domain.decision import Decision, Rule
from dispatcher.domain.delivery import ID_LENGTH, Delivery, Replay
from dispatcher.domain.outcome import Result
from dispatcher.domain.push import Push
from dispatcher.ledger import Store, Submission
from dispatcher.ledger.submission import SubmitResult

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
    store: Store, what: Push, delivery: str = "", target: str = "shop", **more: Any
) -> Result:
    """Hands one push in, as web does, and returns the answer."""
    return taken(store, what, delivery, target, **more).result


def taken(
    store: Store, what: Push, delivery: str = "", target: str = "shop", **more: Any
) -> SubmitResult:
    """The same, with all that web is told."""
    submission = a_submission(what, target, delivery, **more)
    (raw,) = store.scripts.run_many([submission.call(store)])
    return submission.answer(raw)


def a_submission(
    what: Push,
    target: str = "shop",
    delivery: str = "",
    *,
    hook: str = "hook",
    filtered: str = "",
    by_paths: bool = False,
    replay: Replay | None = None,
    **more: Any,
) -> Submission:
    """One push as a delivery of its own, with an id that is made up where none is given.

    `filtered` is why the target does not want it, `by_paths` whether its files are.
    """
    rule = (Rule.PATHS if by_paths else Rule.SKIP_MARKERS) if filtered else None
    whole = Delivery(
        id=uuid4().hex[:ID_LENGTH],
        hook=hook,
        provider="generic",
        delivery_id=delivery or f"none-{uuid4()}",
        replay=replay,
        decisions=(Decision.on(what, target, rule, filtered),),
    )
    return Submission(delivery=whole, number=0, push=what, target=target, **more)


class Watched(redis.Redis):
    """A client that says what it is about to send."""

    sends: Callable[[list[tuple[Any, ...]]], None] = staticmethod(lambda commands: None)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self.sends([args])
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Any:
        pipeline = super().pipeline(transaction, shard_hint)
        execute = pipeline.execute

        def watched(*args: Any, **options: Any) -> Any:
            self.sends([tuple(command[0]) for command in pipeline.command_stack])
            return execute(*args, **options)

        pipeline.execute = watched  # type: ignore[method-assign]
        return pipeline

    def before(self, number: int, happens: Callable[[], object], act: Callable[[], object]) -> None:
        """Acts, and lets something else happen before one of its round trips, counted from 0."""
        left = number

        def sends(commands: object) -> None:
            nonlocal left
            left -= 1
            if left == -1:
                self.sends = _nothing
                happens()

        self.sends = sends
        try:
            act()
        finally:
            self.sends = _nothing


def _nothing(commands: object) -> None:
    """Whoever does not ask is not told."""
