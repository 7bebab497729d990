"""`/api/v1/deploys`: the deploys of all targets, by filters. Must only read.

A page costs the same however many targets and deploys there are: it looks at a bounded part of the index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.refs import short_ref
from dispatcher.http.api import filters
from dispatcher.http.api.requests import page_limit
from dispatcher.http.api.schemas.deploys import DeployInfo, DeployPage, deploy_info
from dispatcher.http.connection.bodies import MIB
from dispatcher.http.live_config import ActiveConfig, LiveConfig
from dispatcher.http.permissions import caller_of, may_see
from dispatcher.http.responses import json_response
from dispatcher.ledger import POSITION, DeployIndex, IndexedDeploy, Store
from dispatcher.matching.globs import Rules

CURSOR = POSITION
MOST, USUAL = 200, 50
"""Deploys in one response."""
MOST_BYTES = MIB
"""Of deploys in one response, unless its first one alone has more."""
STEP, STEPS = 500, 20
"""Entries of the index that are read at a time, and how often for one response."""
AT_ONCE, MOST_READ = 50, 500
"""Deploys that are read at a time, and for one response."""


@dataclass(frozen=True, kw_only=True)
class DeployFilter:
    """Which deploys are asked for. "" and 0 are "any"."""

    target: Rules | None
    namespace: str
    repository: str
    commit: str
    ref: str
    states: frozenset[State]
    reasons: frozenset[Reason]
    causes: frozenset[CauseKind] | None
    since: int
    until: int

    @classmethod
    def of(cls, request: Request) -> DeployFilter:
        has_cause = "cause" in request.query_params
        return cls(
            target=filters.globs(request, "target"),
            namespace=filters.text(request, "namespace"),
            repository=filters.repository(request),
            commit=filters.commit(request),
            ref=filters.text(request, "ref"),
            states=filters.choice(request, "state", State),
            reasons=filters.choice(request, "reason", Reason),
            causes=filters.choice(request, "cause", CauseKind) if has_cause else None,
            since=filters.instant(request, "since"),
            until=filters.instant(request, "until"),
        )

    def wants_target(self, name: str, config: ActiveConfig) -> bool:
        """What can be decided without reading the deploy."""
        if self.repository and config.repositories.get(name) != self.repository:
            return False
        return filters.matches(self.target, name)

    def wants(self, deploy: Deploy, config: ActiveConfig) -> bool:
        return (
            deploy.state in self.states
            and deploy.reason in self.reasons
            and (self.causes is None or deploy.cause in self.causes)
            and deploy.commit.startswith(self.commit)
            and self.ref in ("", deploy.ref, short_ref(deploy.ref))
            and self.namespace in ("", deploy.namespace or _namespace(deploy.target, config))
        )


def _namespace(target: str, config: ActiveConfig) -> str:
    """That in which a deploy would start that has not started."""
    return config.targets[target].namespace if target in config.targets else ""


class DeploySearch:
    """The endpoint. Redis calls run in a thread."""

    def __init__(self, live: LiveConfig, store: Store) -> None:
        self._live, self._index = live, DeployIndex(store)

    async def search(self, request: Request) -> Response:
        wanted, limit = DeployFilter.of(request), page_limit(request, USUAL, MOST)
        cursor = filters.position(request, CURSOR)
        caller, config = caller_of(request), self._live.now

        def visible(name: str) -> bool:
            return may_see(caller, name) and wanted.wants_target(name, config)

        walk = _Walk(self._index, cursor, wanted.since, wanted.until, visible)
        found = await to_thread.run_sync(_page, walk, lambda d: wanted.wants(d, config), limit)
        return json_response(found)


def _page(walk: _Walk, wants: Callable[[Deploy], bool], limit: int) -> DeployPage:
    """As many of the wanted deploys as fit into one response."""
    found: list[DeployInfo] = []
    size, last = 0, ""
    for position, deploy in walk:
        if not wants(deploy):
            continue
        info = deploy_info(deploy)
        size += len(msgspec.json.encode(info))
        if found and (size > MOST_BYTES or len(found) == limit):
            return DeployPage(deploys=tuple(found), next=last)
        found.append(info)
        last = position
    return DeployPage(deploys=tuple(found), next=walk.next)


class _Walk:
    """Goes back through the index, within the bounds of one response. Raises LedgerUnavailable."""

    def __init__(
        self,
        index: DeployIndex,
        position: str,
        since: int,
        until: int,
        visible: Callable[[str], bool],
    ) -> None:
        self._index, self._visible = index, visible
        self._since, self._until = since, until
        self.next = position
        """Where the next response has to go on; "" at the end of the index."""

    def __iter__(self) -> Iterator[tuple[str, Deploy]]:
        read = 0
        for _ in range(STEPS):
            indexed = self._index.before(self.next, STEP, since=self._since, until=self._until)
            visible = [each for each in indexed if self._visible(each.target)]
            rest = visible[: MOST_READ - read]
            for first in range(0, len(rest), AT_ONCE):
                yield from self._read(rest[first : first + AT_ONCE])
            read += len(rest)
            if len(rest) < len(visible):
                self.next = rest[-1].position if rest else self.next
                return
            self.next = indexed[-1].position if len(indexed) == STEP else ""
            if not self.next:
                return

    def _read(self, indexed: list[IndexedDeploy]) -> Iterator[tuple[str, Deploy]]:
        for each, deploy in zip(indexed, self._index.deploys(indexed), strict=True):
            if deploy is not None:
                yield each.position, deploy
