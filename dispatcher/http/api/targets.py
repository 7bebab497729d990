"""`/api/v1/targets`: the targets, each with its running, waiting and last deploys."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.config import Target
from dispatcher.domain.concern import Concern
from dispatcher.domain.trouble import Trouble, pause_trouble
from dispatcher.http.api import filters
from dispatcher.http.api.requests import RequestParser, page_limit
from dispatcher.http.api.schemas.targets import TargetInfo, TargetPage
from dispatcher.http.api.serializers.pauses import pause_info
from dispatcher.http.api.serializers.targets import target_info
from dispatcher.http.connection.bodies import MIB
from dispatcher.http.live_config import LiveConfig
from dispatcher.http.responses import ErrorResponse, json_response
from dispatcher.ledger import Pauses, Reader, Store, TargetView, read_pauses, read_summaries
from dispatcher.matching.globs import Rules

MOST, USUAL = 1000, 100
"""Targets in one response."""
MOST_BYTES = 2 * MIB
"""Of targets in one response, unless its first one alone has more."""
AT_ONCE = 100
"""Targets that are read from Redis at a time."""
CURSOR = re.compile(r"[a-z0-9-]{1,63}")
SORTED = ("configuration", "concern")


@dataclass(frozen=True, kw_only=True)
class TargetFilter:
    """Which targets are asked for, and in which order. "" is "any"."""

    target: Rules | None
    namespace: str
    repository: str
    search: str
    """In lower case: a part of the name, of the repository, of a branch or tag."""
    concerns: frozenset[Concern]
    sorted: bool
    """The worst concern first, else in the configuration's order."""

    @classmethod
    def of(cls, request: Request) -> TargetFilter:
        return cls(
            target=filters.globs(request, "target"),
            namespace=filters.text(request, "namespace"),
            repository=filters.repository(request),
            search=filters.text(request, "search").lower(),
            concerns=filters.choice(request, "concern", Concern),
            sorted=filters.one_of(request, "sort", SORTED) == "concern",
        )

    @property
    def by_concern(self) -> bool:
        return self.sorted or self.concerns != frozenset(Concern)

    def wants(self, target: Target, repository: str) -> bool:
        if self.namespace not in ("", target.namespace) or self.repository not in ("", repository):
            return False
        return filters.matches(self.target, target.name) and self._finds(target)

    def _finds(self, target: Target) -> bool:
        if not self.search:
            return True
        texts = (target.name, target.repository, *target.branches, *target.tags)
        return any(self.search in text.lower() for text in texts)


class Targets:
    """The endpoints. Must only read. Redis calls run in threads."""

    def __init__(
        self, live: LiveConfig, parser: RequestParser, store: Store, remind_after: int
    ) -> None:
        """`remind_after`: seconds after which a pause is a trouble of its own; 0 for never."""
        self._live, self._parser, self._store = live, parser, store
        self._remind_after = remind_after
        self._reader = Reader(store)

    async def list(self, request: Request) -> Response:
        wanted = TargetFilter.of(request)
        limit, cursor = page_limit(request, USUAL, MOST), filters.position(request, CURSOR)
        targets = self._wanted(request, wanted)
        page = await to_thread.run_sync(self._page, targets, wanted, cursor, limit)
        return json_response(page)

    def _wanted(self, request: Request, wanted: TargetFilter) -> dict[str, Target]:
        """As far as the configuration decides."""
        repositories = self._live.now.repositories
        return {
            name: target
            for name, target in self._parser.targets(request).items()
            if wanted.wants(target, repositories.get(name, ""))
        }

    def _page(
        self, targets: Mapping[str, Target], wanted: TargetFilter, cursor: str, limit: int
    ) -> TargetPage:
        names = self._in_order(tuple(targets), wanted)
        if cursor and cursor not in names:
            remedy = (
                "the target that the page before ended with is not in the list any more: begin anew"
            )
            raise ErrorResponse(400, "invalid_cursor", f"cursor is out of date: {remedy}")
        rest = names[names.index(cursor) + 1 :] if cursor else names
        shown = self._fitting([targets[name] for name in rest[:limit]])
        more = len(shown) < len(rest)
        return TargetPage(
            targets=shown, total=len(names), next=shown[-1].name if shown and more else ""
        )

    def _in_order(self, names: Sequence[str], wanted: TargetFilter) -> Sequence[str]:
        """Those with a wanted concern. Reads the ledger only where it has to decide."""
        if not wanted.by_concern:
            return names
        found = [
            each
            for each in read_summaries(self._store, names)
            if wanted.concerns.intersection(each.concerns)
        ]
        if wanted.sorted:
            order = list(Concern)
            found.sort(key=lambda each: order.index(each.concerns[0]))
        return [each.name for each in found]

    def _fitting(self, targets: Sequence[Target]) -> tuple[TargetInfo, ...]:
        """As many as fit into one response."""
        shown: list[TargetInfo] = []
        size = 0
        for first in range(0, len(targets), AT_ONCE):
            for info in self._look(targets[first : first + AT_ONCE]):
                size += len(msgspec.json.encode(info))
                if shown and size > MOST_BYTES:
                    return tuple(shown)
                shown.append(info)
        return tuple(shown)

    async def show(self, request: Request) -> Response:
        target = await self._parser.target(request)
        (info,) = await to_thread.run_sync(self._look, [target])
        return json_response(info)

    def _look(self, targets: Sequence[Target]) -> tuple[TargetInfo, ...]:
        names = [target.name for target in targets]
        found, pauses = self._reader.targets(names), read_pauses(self._store, names)
        now = self._store.now()
        return tuple(
            target_info(
                target, view, pause_info(pauses, target.name), self._trouble(view, pauses, now)
            )
            for target, view in zip(targets, found, strict=True)
        )

    def _trouble(self, view: TargetView, pauses: Pauses, now: int) -> Trouble | None:
        return view.trouble or pause_trouble(pauses.of(view.name), self._remind_after, now)
