"""`git-dispatcher redeploy`."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

import typer

from dispatcher.commands import completion
from dispatcher.commands.exits import Exit
from dispatcher.commands.follow import follow_deploy
from dispatcher.commands.options import Api, Asker, split_name, spread


@spread
def redeploy(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET[/NUMBER]",
            help="Like shop, or shop/41.",
            autocompletion=completion.targets_and_deploys,
        ),
    ],
    asker: Asker,
    api: Api,
    commit: Annotated[
        str | None, typer.Option(metavar="SHA", help="This commit, by its full name.")
    ] = None,
    ref: Annotated[
        str | None, typer.Option(help="This branch or tag; else that of the newest deploy.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until it has ended.")] = False,
    timeout: Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="How long --wait waits at the most.")
    ] = 3600,
) -> None:
    """Deploys again: the newest deploy, or what you name."""
    name, number = split_name(target) if "/" in target else (target, None)
    with api.client() as client:
        answer = client.redeploy(
            name,
            reason=asker.reason,
            by=asker.name,
            commit=commit,
            ref=ref,
            deploy=number,
            request=str(uuid4()),
        )
        if api.as_data and not wait:
            api.write(answer)
        else:
            typer.echo(f"{answer.deploy}: {answer.reason}", err=api.as_data)
        code = follow_deploy(client, answer.deploy, timeout, api) if wait else Exit.DONE
    raise typer.Exit(code)
