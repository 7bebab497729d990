"""Group commit: pushes that arrive at the same time share two round trips to Redis.

One thread takes waiting pushes, from each sender in turn, runs the script for each push in one pipeline, and
enqueues their wake-ups in another. web answers a delivery when all of its pushes are recorded. Meanwhile the
next group gathers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import structlog

from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.domain.outcome import Result
from dispatcher.ledger.delivery_log import LogEntry, LogWriter
from dispatcher.ledger.fair_queue import FairQueue
from dispatcher.ledger.group_size import GroupSize
from dispatcher.ledger.redirects import Redirects
from dispatcher.ledger.store import Store
from dispatcher.ledger.submission import Submission, SubmitResult
from dispatcher.ledger.wakeups import WakeUps

log = structlog.get_logger()

LONGEST_QUEUE = 20_000
"""Pushes of one hook that may wait, or its share if others wait too; beyond that web answers 503 with
Retry-After."""
MOST_RECORDS = 500
"""Pushes of its hook that may wait before a delivery without any is not logged."""

ResultOrError = Result | LedgerUnavailable


@dataclass(frozen=True)
class _Pending:
    """A delivery's submissions and its entry for the log, until the ledger has answered."""

    submissions: Sequence[Submission]
    entry: LogEntry | None
    future: Future[list[Result]] = field(default_factory=Future)
    results: list[ResultOrError] = field(default_factory=list)

    @property
    def sender(self) -> tuple[str, str]:
        """Hook and repository."""
        if self.submissions:
            return self.submissions[0].delivery.hook, self.submissions[0].push.repository
        return (
            (self.entry.delivery.hook, self.entry.delivery.repository) if self.entry else ("", "")
        )

    @property
    def size(self) -> int:
        return max(1, len(self.submissions))

    def parts(self) -> Iterator[_Part]:
        """Its pushes one after the other, until it is answered or nobody waits for it any more."""
        if not self.future.set_running_or_notify_cancel():
            return
        yield _Part(self, self.submissions[0] if self.submissions else None, self.entry)
        for submission in self.submissions[1:]:
            if self.future.done():
                return
            yield _Part(self, submission)

    def take(self, result: ResultOrError) -> None:
        """Takes the result of its next push."""
        self.results.append(result)
        if len(self.results) == len(self.submissions):
            self.settle()

    def settle(self) -> None:
        if error := next((e for e in self.results if isinstance(e, LedgerUnavailable)), None):
            self.fail(error)
        else:
            self.future.set_result([each for each in self.results if isinstance(each, Result)])

    def fail(self, error: LedgerUnavailable) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class _Part(NamedTuple):
    """A delivery's next push, if it has any; the first one carries the entry for the log."""

    pending: _Pending
    submission: Submission | None
    entry: LogEntry | None = None


class Submitter:
    """Use as a context manager: on exit it finishes all that was submitted."""

    def __init__(
        self, store: Store, wake_ups: WakeUps, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._redirects, self._wake_ups = Redirects(store), wake_ups
        self._log_writer, self._clock = LogWriter(store.keys), clock
        self._group_size = GroupSize()
        self._queue: FairQueue[_Part] = FairQueue()
        self._changed, self._ended = threading.Condition(), False
        self._thread = threading.Thread(target=self._work, name="submitter", daemon=True)

    def __enter__(self) -> Submitter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()

    def submit(
        self, submissions: Sequence[Submission], entry: LogEntry | None = None
    ) -> Future[list[Result]]:
        """The results, in order, once they are recorded and their wake-ups are in the queue.

        Writes `entry` into the delivery log on the way; the push is not refused if that fails.
        The future raises LedgerUnavailable if the ledger did not answer: the push may or may not have been
        recorded, and it is safe to submit it again under the same delivery id.
        """
        pending = _Pending(submissions, entry)
        with self._changed:
            if self._has_room(pending):
                self._queue.add(*pending.sender, pending.parts(), pending.size)
                self._changed.notify()
            else:
                pending.fail(LedgerUnavailable("too many pushes are waiting for Redis"))
        return pending.future

    def _has_room(self, pending: _Pending) -> bool:
        """A delivery without pushes has less room: no sender waits for it to be logged."""
        hook, _ = pending.sender
        most = LONGEST_QUEUE if pending.submissions else MOST_RECORDS
        return self._queue.waiting(hook) < self._queue.share(hook, most)

    def _work(self) -> None:
        while group := self._gather():
            begun = self._clock()
            try:
                self._commit(group)
            except Exception as error:  # whatever it is, the next group must have its chance
                log.exception("a group of pushes was not recorded")
                for part in group:
                    part.pending.fail(_known(error))
            self._group_size.note(len(group), self._clock() - begun)

    def _gather(self) -> list[_Part]:
        """Waits for the next group; empty when the submitter ends."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._queue or self._ended)
                group: list[_Part] = []
                most = self._group_size.most
                while len(group) < most and (part := self._queue.take()):
                    group.append(part)
                if group or (not self._queue and self._ended):
                    return group

    def _commit(self, group: Sequence[_Part]) -> None:
        pending = [part.pending for part in group if part.submission]
        submissions = [part.submission for part in group if part.submission]
        entries = [part.entry for part in group if part.entry]
        try:
            results = self._submit(submissions, entries)
        except Exception as error:  # noqa: BLE001  # whatever it is, the next group must have its chance
            for part in group:
                part.pending.fail(_known(error))
            return
        for each, result in zip(pending, results, strict=True):
            each.take(result)
        for part in group:
            if not part.submission:
                part.pending.settle()

    def _submit(
        self, submissions: Sequence[Submission], entries: Sequence[LogEntry]
    ) -> list[ResultOrError]:
        taken, logged = self._redirects.submit(submissions, self._log_writer.calls(entries))
        self._note(logged)
        answers = [_understood(*each) for each in taken]
        _warn_of_clocks(taken, answers)
        good = [answer for answer in answers if isinstance(answer, SubmitResult)]
        self._wake_ups.enqueue(answer.wake_up for answer in good if answer.wake_up)
        return [a.result if isinstance(a, SubmitResult) else a for a in answers]

    def _note(self, logged: Sequence[object]) -> None:
        self._log_writer.done(logged)
        for reply in logged:
            if isinstance(reply, LedgerUnavailable):
                log.warning("delivery not logged", why=str(reply))


def _understood(submission: Submission, reply: Any) -> SubmitResult | LedgerUnavailable:
    """A broken row of one target fails its own push only, not the others of the group."""
    if isinstance(reply, LedgerUnavailable):
        return reply
    try:
        return submission.answer(reply)
    except (msgspec.MsgspecError, LookupError, TypeError) as error:
        return _known(error)


def _warn_of_clocks(
    taken: Sequence[tuple[Submission, Any]], answers: Sequence[SubmitResult | LedgerUnavailable]
) -> None:
    for (submission, _), answer in zip(taken, answers, strict=True):
        if isinstance(answer, SubmitResult) and answer.ahead:
            log.warning(
                "host's time is ahead of Redis' clock and not used: set the host's clock",
                hook=submission.delivery.hook,
                repository=submission.push.repository,
                ref=submission.push.ref,
                pushed_at=datetime.fromtimestamp(answer.ahead / 1000, UTC).isoformat(),
            )


def _known(error: Exception) -> LedgerUnavailable:
    if isinstance(error, LedgerUnavailable):
        return error
    log.error("the ledger's answer was not understood", why=f"{type(error).__name__}: {error}")
    return LedgerUnavailable("its answer was not understood")
