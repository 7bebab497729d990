"""Commands about what Git hosts deliver, all through the API: hooks, deliveries, replays."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.commands import delivery_tables
from dispatcher.commands.client import Client
from dispatcher.commands.deploys import wait_for
from dispatcher.commands.exits import Exit
from dispatcher.commands.options import Api, Asker, now, spread
from dispatcher.commands.tables import console, write_json
from dispatcher.domain.model import Outcome
from dispatcher.http.api.delivery_views import DeliveryDetail, ReplayAnswer

DeliveryName = Annotated[
    str, typer.Argument(metavar="ID", help="As `deliveries` lists it, or the Git host's own.")
]
RUNS = (Outcome.ACCEPTED, Outcome.COALESCED)
"""Outcomes whose deploy can be waited for; one that is held may wait for long."""


@spread
def hooks(api: Api) -> None:
    """Lists the hooks, and when each secret was last used."""
    with api.client() as client:
        found = client.hooks()
    if api.as_json:
        write_json(found)
        return
    out = console()
    out.print(delivery_tables.hooks(found.hooks, now()))
    if found.unknown:
        out.print(f"to hooks that are not there: {delivery_tables.counts(found.unknown)}")


@spread
def deliveries(
    api: Api,
    delivery: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Only this one, with all that is known.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
) -> None:
    """Lists what Git hosts delivered, or shows one delivery."""
    with api.client() as client:
        if delivery is not None:
            _show(client.delivery(delivery), api)
            return
        found = client.deliveries(limit)
    if api.as_json:
        write_json(found)
    elif found.deliveries:
        console().print(delivery_tables.deliveries(found.deliveries, now()))
    else:
        print("No delivery is kept: none came that a secret proved, or not lately.")


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
    """Takes a delivery once more, as if it had just come."""
    with api.client() as client:
        answer = client.replay(delivery, reason=asker.reason, by=asker.name)
        if api.as_json and not wait:
            write_json(answer)
        else:
            for line in delivery_tables.replayed(answer):
                typer.echo(line, err=api.as_json)
        code = _follow(client, answer, timeout, api) if wait else Exit.DONE
    raise typer.Exit(code)


def _follow(client: Client, answer: ReplayAnswer, timeout: int, api: Api) -> Exit:
    """One after the other; the worst end counts."""
    deploys = dict.fromkeys(each.deploy for each in answer.results if each.outcome in RUNS)
    ends = [wait_for(client, deploy, timeout, as_json=api.as_json) for deploy in deploys]
    return max(ends, default=Exit.DONE)


def _show(found: DeliveryDetail, api: Api) -> None:
    if api.as_json:
        write_json(found)
        return
    out = console()
    out.print(delivery_tables.facts(found, now()))
    if found.results:
        out.print("\nwhat became of it")
        out.print(delivery_tables.results(found))
    if found.explanations:
        out.print("\nby the configuration of now")
        out.print(delivery_tables.explained(found))
