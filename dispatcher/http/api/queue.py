"""`/api/v1/queue`: which deploys wait, and what for. Must only read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.domain.waiting import QueuedTarget, Wait, WaitsFor, waits_of
from dispatcher.http.api import filters
from dispatcher.http.api.requests import page_limit
from dispatcher.http.api.schemas.queue import QueuedDeploy, QueuePage, queued_deploy
from dispatcher.http.connection.bodies import MIB
from dispatcher.http.live_config import ActiveConfig, LiveConfig
from dispatcher.http.permissions import caller_of, may_see
from dispatcher.http.responses import json_response
from dispatcher.ledger import Queue, QueuedNumber, Store

MOST, USUAL = 500, 100
"""Deploys in one response."""
MOST_BYTES = MIB
"""Of deploys in one response, unless its first one alone has more."""
POSITION = re.compile(r"\d{1,16}-[a-z0-9-]{1,63}/\d{1,15}")


class WaitingDeploys:
    """The endpoint. Redis calls run in a thread."""

    def __init__(self, live: LiveConfig, store: Store) -> None:
        self._live, self._queue = live, Queue(store)

    async def queue(self, request: Request) -> Response:
        limit, cursor = page_limit(request, USUAL, MOST), filters.position(request, POSITION)
        target, namespace = filters.globs(request, "target"), filters.text(request, "namespace")
        kinds, caller = filters.choice(request, "waits_for", WaitsFor), caller_of(request)
        config = self._live.now

        def visible(name: str) -> bool:
            if namespace and not _is_in(name, namespace, config):
                return False
            return may_see(caller, name) and filters.matches(target, name)

        return json_response(await to_thread.run_sync(self.read, visible, kinds, cursor, limit))

    def read(
        self, visible: Callable[[str], bool], kinds: frozenset[WaitsFor], cursor: str, limit: int
    ) -> QueuePage:
        """The deploys that wait for one of these, of the targets that the caller may see."""
        order, total = self._queue.order(visible)
        if kinds != frozenset(WaitsFor):
            order = [_number(wait) for wait in self._waits(order) if wait.waits_for in kinds]
            total = len(order)
        after = _parsed(cursor)
        rest = [each for each in order if after is None or each > after]
        shown, last = _shown(rest[:limit], self._waits(rest[:limit]))
        more = last is not None and last != rest[-1]
        return QueuePage(
            deploys=shown, total=total, next=_written(last) if last is not None and more else ""
        )

    def _waits(self, order: Sequence[QueuedNumber]) -> list[Wait]:
        """What these wait for, in their order; without those that have begun meanwhile."""
        config, names = self._live.now, dict.fromkeys(each.target for each in order)
        found = {
            _number(wait): wait
            for target in self._queue.targets(tuple(names))
            for wait in waits_of(_with_policies(target, config))
        }
        return [found[each] for each in order if each in found]


def _shown(
    order: Sequence[QueuedNumber], waits: Sequence[Wait]
) -> tuple[tuple[QueuedDeploy, ...], QueuedNumber | None]:
    """As many as fit into one response, and the last of the order that it covers."""
    shown: list[QueuedDeploy] = []
    size, last = 0, None
    for wait in waits:
        queued = queued_deploy(wait)
        size += len(msgspec.json.encode(queued))
        if shown and size > MOST_BYTES:
            return tuple(shown), last
        shown.append(queued)
        last = _number(wait)
    return tuple(shown), order[-1] if order else None


def _is_in(target: str, namespace: str, config: ActiveConfig) -> bool:
    return target in config.targets and config.targets[target].namespace == namespace


def _with_policies(target: QueuedTarget, config: ActiveConfig) -> QueuedTarget:
    configured = config.targets.get(target.name)
    if configured is None:
        return target
    return replace(target, quiet_period=configured.quiet_period, quiet_max=configured.quiet_max)


def _number(wait: Wait) -> QueuedNumber:
    return QueuedNumber(wait.deploy.created_at, wait.deploy.target, wait.deploy.number)


def _written(number: QueuedNumber) -> str:
    return f"{number.created_at}-{number.target}/{number.number}"


def _parsed(cursor: str) -> QueuedNumber | None:
    if not cursor:
        return None
    created, _, name = cursor.partition("-")
    target, _, number = name.rpartition("/")
    return QueuedNumber(int(created), target, int(number))
