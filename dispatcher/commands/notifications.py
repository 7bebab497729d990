"""`git-dispatcher notifications list`, `test`, `dead-letters` and `resend`."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from dispatcher.commands.client import Client
from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.formatting import plain
from dispatcher.commands.options import Api, Asker, now, spread
from dispatcher.commands.tables import notifications as tables
from dispatcher.domain.errors import UsageError
from dispatcher.http.api.schemas.notifications import ReceiverInfo, RequestedMessage

EVERY = 0.5
"""Seconds between two looks whether a message was sent."""
SENT = "sent"
MOST = 200
"""Dead letters asked for at once."""

Timeout = Annotated[
    int, typer.Option(min=1, metavar="SECONDS", help="How long it waits for the outcome.")
]

notifications = typer.Typer(
    help="Shows who is sent what happens, and sends again what was given up.", no_args_is_help=True
)


@notifications.command("list")
@spread
def list_receivers(api: Api) -> None:
    """Lists receivers: how far each is, and what went wrong last."""
    with api.client() as client:
        found = client.receivers()
    if api.as_data:
        api.write(found)
    elif found.receivers:
        api.console().print(tables.receivers(found.receivers, now()))
    else:
        print("Nobody is notified: list receivers under `notifications` in the configuration.")


@notifications.command("test")
@spread
def send_test(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A receiver.")],
    asker: Asker,
    api: Api,
    timeout: Timeout = 30,
) -> None:
    """Sends a receiver a test, and waits for what comes of it."""
    with api.client() as client:
        made = client.test_receiver(name, reason=asker.reason, by=asker.name)
        _report(client, made, timeout, api)


@notifications.command("dead-letters")
@spread
def dead_letters(
    api: Api,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 50,
) -> None:
    """Lists messages that were given up, and why."""
    with api.client() as client:
        found = client.dead_letters(limit)
    if api.as_data:
        api.write(found)
    elif found.dead_letters:
        api.console().print(tables.dead_letters(found.dead_letters, now()))
    else:
        print("No message was given up lately.")


@notifications.command("resend")
@spread
def resend(
    asker: Asker,
    api: Api,
    id: Annotated[str, typer.Argument(metavar="[ID]", help="A dead letter.")] = "",
    receiver: Annotated[
        str, typer.Option(metavar="NAME", help="All of this receiver, oldest first.")
    ] = "",
    timeout: Timeout = 30,
) -> None:
    """Sends a dead letter again, and waits for what comes of it."""
    if bool(id) == bool(receiver):
        raise UsageError("name a dead letter, or a receiver with --receiver")
    with api.client() as client:
        for each in [id] if id else _of_receiver(client, receiver):
            made = client.resend(each, reason=asker.reason, by=asker.name)
            _report(client, made, timeout, api)


def _of_receiver(client: Client, name: str) -> list[str]:
    """Ids of its dead letters, oldest first."""
    found, cursor = [], ""
    while True:
        page = client.dead_letters(MOST, cursor)
        found += [each.id for each in page.dead_letters if each.receiver == name]
        cursor = page.next
        if not cursor:
            return found[::-1]


def _report(client: Client, requested: RequestedMessage, timeout: int, api: Api) -> None:
    receiver = _outcome(client, requested, timeout)
    if api.as_data:
        api.write(receiver)
    elif receiver.outcome == SENT:
        print(f"{receiver.name} at {plain(receiver.url)} has taken it")
    if receiver.outcome != SENT:
        raise Failed(Exit.FAILED, f"{receiver.name}: {plain(receiver.outcome)}")


def _outcome(client: Client, requested: RequestedMessage, timeout: int) -> ReceiverInfo:
    """The receiver, once the watcher has sent the message. Raises Failed."""
    deadline = time.monotonic() + timeout
    while True:
        for receiver in client.receivers().receivers:
            if receiver.name == requested.receiver and receiver.request == requested.request:
                return receiver
        if time.monotonic() >= deadline:
            raise Failed(
                Exit.UNAVAILABLE,
                f"no watcher has sent it within {timeout} s: does one lead? It is sent when one does",
            )
        time.sleep(EVERY)
