"""Group commit: pushes that arrive at the same time share two round trips to Redis.

One thread takes all that waits, runs the script for each in one pipeline, enqueues the wake-ups that were
asked for in another, and only then are the answers given out. While it is at it, the next group gathers.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog

from dispatcher.errors import LedgerUnavailable
from dispatcher.ledger.addresses import Addresses
from dispatcher.ledger.keys import Keys
from dispatcher.ledger.limits import Limits
from dispatcher.ledger.scripts import Scripts
from dispatcher.ledger.submission import Answer, Submission
from dispatcher.ledger.trail import Record, Shelf
from dispatcher.ledger.wakeups import WakeUps
from dispatcher.model import Result

log = structlog.get_logger()

LARGEST_GROUP = 500
"""Submissions in one pipeline: a bound on how long one group can hold Redis."""
LONGEST_QUEUE = 20_000
"""Submissions that may wait; beyond that the host is told to come again."""


@dataclass(frozen=True)
class _Item:
    submissions: Sequence[Submission]
    record: Record | None
    answer: Future[list[Result]] = field(default_factory=Future)

    @property
    def size(self) -> int:
        return max(1, len(self.submissions))


class Submitter:
    """Use as a context manager: leaving it finishes what was handed in."""

    def __init__(self, scripts: Scripts, wake_ups: WakeUps, keys: Keys, limits: Limits) -> None:
        self._addresses, self._wake_ups = Addresses(scripts, keys, limits), wake_ups
        self._shelf = Shelf(keys)
        self._queue: queue.Queue[_Item | None] = queue.Queue(LONGEST_QUEUE)
        self._thread = threading.Thread(target=self._work, name="submitter", daemon=True)

    def __enter__(self) -> Submitter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()

    def submit(
        self, submissions: Sequence[Submission], record: Record | None = None
    ) -> Future[list[Result]]:
        """The results, in order, once they are recorded and their wake-ups are in the queue.

        `record` is put into the trail on the way; that it could not be is no reason to refuse a push.
        The future raises LedgerUnavailable where that could not be had: the push may or may not have
        been recorded, and it is safe to hand it in again under the same delivery id.
        """
        item = _Item(submissions, record)
        try:
            if not submissions and self._queue.qsize() >= LARGEST_GROUP:
                raise queue.Full  # nobody waits for it, and memory is for those who do
            self._queue.put_nowait(item)
        except queue.Full:
            item.answer.set_exception(LedgerUnavailable("too many pushes are waiting for Redis"))
        return item.answer

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            group, ended = self._gather(first)
            self._commit(group)
            if ended:
                return

    def _gather(self, first: _Item) -> tuple[list[_Item], bool]:
        group, size = [first], first.size
        while size < LARGEST_GROUP:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                return group, True
            group.append(item)
            size += item.size
        return group, False

    def _commit(self, group: Sequence[_Item]) -> None:
        wanted = [item for item in group if item.answer.set_running_or_notify_cancel()]
        submissions = [each for item in wanted for each in item.submissions]
        records = [item.record for item in wanted if item.record]
        try:
            outcomes = self._record(submissions, records)
        except Exception as error:  # noqa: BLE001  # whatever it is, the next group must have its chance
            outcomes = [_known(error)] * len(submissions)
        for item in wanted:
            count = len(item.submissions)
            _answer(item, outcomes[:count])
            outcomes = outcomes[count:]

    def _record(
        self, submissions: Sequence[Submission], records: Sequence[Record]
    ) -> list[Result | LedgerUnavailable]:
        outcomes: list[Result | LedgerUnavailable] = []
        for start in range(0, len(submissions), LARGEST_GROUP) or (0,):
            part, records_now = submissions[start : start + LARGEST_GROUP], () if start else records
            outcomes += self._record_group(part, records_now)
        return outcomes

    def _record_group(
        self, submissions: Sequence[Submission], records: Sequence[Record]
    ) -> list[Result | LedgerUnavailable]:
        taken, kept = self._addresses.hand_in_with(submissions, self._shelf.calls(records))
        self._note(kept)
        answers = [_understood(*each) for each in taken]
        good = [answer for answer in answers if isinstance(answer, Answer)]
        self._wake_ups.enqueue(answer.wake_up for answer in good if answer.wake_up)
        return [a.result if isinstance(a, Answer) else a for a in answers]

    def _note(self, kept: Sequence[object]) -> None:
        self._shelf.done(kept)
        for reply in kept:
            if isinstance(reply, LedgerUnavailable):
                log.warning("delivery not kept", why=str(reply))


def _understood(submission: Submission, reply: Any) -> Answer | LedgerUnavailable:
    """One target's broken row is its own trouble, not that of the pushes beside it."""
    if isinstance(reply, LedgerUnavailable):
        return reply
    try:
        return submission.answer(reply)
    except (msgspec.MsgspecError, LookupError, TypeError) as error:
        return _known(error)


def _known(error: Exception) -> LedgerUnavailable:
    if isinstance(error, LedgerUnavailable):
        return error
    log.error("the ledger's answer was not understood", why=f"{type(error).__name__}: {error}")
    return LedgerUnavailable("its answer was not understood")


def _answer(item: _Item, outcomes: Sequence[Result | LedgerUnavailable]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, LedgerUnavailable):
            item.answer.set_exception(outcome)
            return
    item.answer.set_result([each for each in outcomes if isinstance(each, Result)])
