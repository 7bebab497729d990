"""`git-dispatcher replay`."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.commands.client import Client
from dispatcher.commands.exits import Exit
from dispatcher.commands.follow import follow_deploy
from dispatcher.commands.options import Api, Asker, spread
from dispatcher.commands.tables.deliveries import replayed
from dispatcher.domain.outcome import Outcome
from dispatcher.http.api.schemas.deliveries import ReplayAnswer

DeliveryName = Annotated[
    str, typer.Argument(metavar="ID", help="As `deliveries` lists it, or the Git host's own.")
]
RUNS = (Outcome.ACCEPTED, Outcome.COALESCED)
"""Outcomes whose deploy --wait waits for; a held deploy may wait for days."""


@spread
def replay(
    delivery: DeliveryName,
    asker: Asker,
    api: Api,
    wait: Annotated[
        bool, typer.Option("--wait", help="Follow its deploys until they end.")
    ] = False,
    timeout: Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="How long --wait waits for each of them.")
    ] = 3600,
) -> None:
    """Processes a delivery again, as if it had just arrived."""
    with api.client() as client:
        answer = client.replay(delivery, reason=asker.reason, by=asker.name)
        if api.as_data and not wait:
            api.write(answer)
        else:
            for line in replayed(answer):
                typer.echo(line, err=api.as_data)
        code = _follow(client, answer, timeout, api) if wait else Exit.DONE
    raise typer.Exit(code)


def _follow(client: Client, answer: ReplayAnswer, timeout: int, api: Api) -> Exit:
    """Follows the deploys one after the other; returns the worst exit code."""
    deploys = dict.fromkeys(each.deploy for each in answer.results if each.outcome in RUNS)
    ends = [follow_deploy(client, deploy, timeout, api) for deploy in deploys]
    return max(ends, default=Exit.DONE)
