"""`/api/v1/queue`: which deploys wait, and what for. Must only read."""

from __future__ import annotations

import re
from collections.abc import Callable
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
from dispatcher.ledger import Queue, Store

MOST, USUAL = 500, 100
"""Deploys in one response."""
MOST_BYTES = MIB
"""Of deploys in one response, unless its first one alone has more."""
POSITION = re.compile(r"\d{1,16}-[a-z0-9-]{1,63}/\d{1,15}")

Rank = tuple[int, str, int]


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
        config = self._live.now
        targets = [_with_policies(target, config) for target in self._queue.targets(visible)]
        waits = [each for target in targets for each in waits_of(target)]
        unread = sum(target.waiting_count - len(target.waiting) for target in targets)
        wanted = sorted((each for each in waits if each.waits_for in kinds), key=_rank)
        after = _parsed(cursor)
        rest = [each for each in wanted if after is None or _rank(each) > after]
        shown = _shown(rest, limit)
        return QueuePage(
            deploys=tuple(shown),
            total=len(wanted) + (unread if kinds == frozenset(WaitsFor) else 0),
            next=_written(rest[len(shown) - 1]) if len(shown) < len(rest) else "",
        )


def _shown(waits: list[Wait], limit: int) -> list[QueuedDeploy]:
    shown: list[QueuedDeploy] = []
    size = 0
    for wait in waits[:limit]:
        queued = queued_deploy(wait)
        size += len(msgspec.json.encode(queued))
        if shown and size > MOST_BYTES:
            break
        shown.append(queued)
    return shown


def _is_in(target: str, namespace: str, config: ActiveConfig) -> bool:
    return target in config.targets and config.targets[target].namespace == namespace


def _with_policies(target: QueuedTarget, config: ActiveConfig) -> QueuedTarget:
    configured = config.targets.get(target.name)
    if configured is None:
        return target
    return replace(target, quiet_period=configured.quiet_period, quiet_max=configured.quiet_max)


def _rank(wait: Wait) -> Rank:
    return wait.deploy.created_at, wait.deploy.target, wait.deploy.number


def _written(wait: Wait) -> str:
    return f"{wait.deploy.created_at}-{wait.deploy.name}"


def _parsed(cursor: str) -> Rank | None:
    if not cursor:
        return None
    created, _, name = cursor.partition("-")
    target, _, number = name.rpartition("/")
    return int(created), target, int(number)
