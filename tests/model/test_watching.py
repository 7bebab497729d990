"""Lists that come late, a lead that is lost while publishing: nothing old counts, and nothing runs twice."""

from __future__ import annotations

from tests.dispatcher.ledger.helpers import Watched
from tests.model.rules.watching import Watching
from tests.model.run_model import run_model


def test_what_watchers_that_were_replaced_still_do_changes_nothing(watched: Watched) -> None:
    Watching.client = watched
    run_model(Watching, steps=20, count=90)
