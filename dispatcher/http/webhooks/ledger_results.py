"""Submits an evaluated delivery to the ledger, and waits for its results."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.domain.outcome import Result
from dispatcher.http.webhooks.intake import Intake
from dispatcher.ledger import Submitter

ANSWER_WITHIN = 4.0
"""Time-out for the ledger in seconds: the least patient Git host gives up after 5, and must get a 503 first."""


async def ledger_results(submitter: Submitter, intake: Intake) -> Iterable[Result]:
    """The ledger's result of each submission. Raises LedgerUnavailable.

    Does not wait for the ledger if there are no submissions: the answer does not depend on it.
    """
    future = submitter.submit(intake.submissions, intake.log_entry)
    if not intake.submissions:
        return ()
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), ANSWER_WITHIN)
    except TimeoutError:
        raise LedgerUnavailable(f"Redis did not answer within {ANSWER_WITHIN} s") from None
