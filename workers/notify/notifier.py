"""The couriers of the leading watcher: one for each configured receiver, each in a thread of its own.

A receiver that is slow or dead holds up neither others nor the watcher: the number of receivers is bounded,
and each has one request at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from dispatcher.config import Chat, Webhook
from dispatcher.config.reloading import Reloader
from dispatcher.domain.deploy import Deploy
from dispatcher.domain.errors import LedgerCorrupt
from dispatcher.ledger import Leadership, Notifications, Reader, Store
from dispatcher.notifications.routes import ChatRoute, Route, WebhookRoute
from dispatcher.notifications.summaries import Rates
from workers.notify.chat import ChatSender
from workers.notify.courier import Courier, Parts
from workers.notify.delivery import Clocks, Terms
from workers.notify.sender import Sender
from workers.notify.webhook import WebhookSender

Receiver = Webhook | Chat

log = structlog.get_logger()


@dataclass(frozen=True)
class _Running:
    settings: Receiver
    courier: Courier


class Notifier:
    """Lives as long as its watcher leads.

    `open_store` makes a store with a client that no other thread uses, and whose time-out is longer than a
    courier waits.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        leadership: Leadership,
        reloader: Reloader,
        instance: str,
    ) -> None:
        self._open_store, self._token = open_store, leadership.token
        self._ledger = Notifications(leadership.store)
        self._reloader, self._instance = reloader, instance
        self._running: dict[str, _Running] = {}

    def follow_configuration(self) -> None:
        """Starts couriers of receivers that are new or have changed, and stops those of others. Raises
        LedgerUnavailable and LeadershipLost."""
        wanted = self._reloader.current.notifications.receivers
        for name, running in list(self._running.items()):
            if wanted.get(name) != running.settings:
                running.courier.stop()
                del self._running[name]
        self._ledger.forget(sorted(self._ledger.states().keys() - wanted.keys()))
        for name, settings in wanted.items():
            if name not in self._running:
                self._start(name, settings)

    def stop(self) -> None:
        for running in self._running.values():
            running.courier.stop()
        self._running.clear()

    def _start(self, name: str, settings: Receiver) -> None:
        store = self._open_store().fenced(self._token, renewing=False)
        courier = Courier(name, self._parts(settings, store))
        self._running[name] = _Running(settings, courier)

        def run() -> None:
            courier.run()
            store.client.close()

        threading.Thread(target=run, name=f"courier-{name}", daemon=True).start()

    def _parts(self, settings: Receiver, store: Store) -> Parts:
        route, sender = _kind(settings, self._instance)
        return Parts(
            route=route,
            sender=sender,
            ledger=Notifications(store),
            terms=Terms(
                longest_pause=settings.longest_pause, give_up_after=settings.give_up_after * 1000
            ),
            clocks=Clocks(now=store.now),
            deploy=_deploys(Reader(store)),
            namespace=self._namespace,
        )

    def _namespace(self, target: str) -> str:
        found = self._reloader.current.targets.get(target)
        return found.namespace if found else ""


def _kind(settings: Receiver, instance: str) -> tuple[Route, Sender]:
    if isinstance(settings, Webhook):
        return WebhookRoute(settings, instance), WebhookSender(settings)
    rates = Rates(settings.summarize.within, settings.summarize.most)
    return ChatRoute(settings, rates), ChatSender(settings)


def _deploys(reader: Reader) -> Callable[[str, int], Deploy | None]:
    def deploy(target: str, number: int) -> Deploy | None:
        try:
            return reader.deploy(target, number)
        except LedgerCorrupt as error:  # the event counts nonetheless
            log.error("deploy cannot be read", deploy=f"{target}/{number}", why=str(error))
            return None

    return deploy
