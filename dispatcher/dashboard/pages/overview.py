"""The overview: trouble first, then what runs, then all targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.config import Target
from dispatcher.dashboard.figures import Bar, spark
from dispatcher.dashboard.notices import Notices
from dispatcher.dashboard.rendering import page
from dispatcher.dashboard.snapshots import Snapshot, Snapshots
from dispatcher.dashboard.trouble import troubles
from dispatcher.domain.access import Caller
from dispatcher.domain.deploy import Deploy, State
from dispatcher.http.api.requests import line
from dispatcher.http.permissions import caller_of, may_see
from dispatcher.ledger import Glance, Overview, Store

PER_PAGE = 50
MOST_TROUBLES = 30
"""Lines of trouble and of what runs; the rest is a filter away."""
LONGEST_QUERY = 200
COMMIT_DIGITS = 7

FILTERS: dict[str, Callable[[Glance], bool]] = {
    "trouble": lambda glance: bool(troubles([glance])),
    "running": lambda glance: any(deploy.active for deploy in glance.open),
    "waiting": lambda glance: any(deploy.state is State.PENDING for deploy in glance.open),
    "held": lambda glance: glance.paused is not None,
}


@dataclass(frozen=True)
class TargetLine:
    """A target in the list of all."""

    name: str
    target: Target
    open: Deploy | None
    """What of it runs, else what waits first."""
    open_count: int
    ended: Deploy | None
    bars: Sequence[Bar]
    in_trouble: bool
    paused: bool


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the address asks for."""

    query: str
    only: str
    number: int

    @classmethod
    def of(cls, request: Request) -> Asked:
        asked = request.query_params
        number, only = asked.get("page", "1"), asked.get("only", "")
        return cls(
            query=line(asked.get("q", ""))[:LONGEST_QUERY],
            only=only if only in FILTERS else "",
            number=int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1,
        )

    def link(self, **changed: object) -> str:
        values = {"q": self.query, "only": self.only, "page": self.number, **changed}
        kept = {k: v for k, v in values.items() if v and (k, v) != ("page", 1)}
        return f"/?{urlencode(kept)}" if kept else "/"


class OverviewPage:
    """The page."""

    def __init__(self, snapshots: Snapshots, notices: Notices, store: Store) -> None:
        self._snapshots, self._notices, self._overview = snapshots, notices, Overview(store)

    async def show(self, request: Request) -> Response:
        asked = Asked.of(request)
        return await to_thread.run_sync(self._page, request, asked)

    def _page(self, request: Request, asked: Asked) -> Response:
        caller = caller_of(request)
        snapshot = self._snapshots.take(everything=bool(asked.query))
        seen = _seen(snapshot.glances, caller)
        found = _found(seen, snapshot, asked)
        pages = max(1, -(-len(found) // PER_PAGE))
        number = min(max(1, asked.number), pages)
        trouble = [] if asked.query or number > 1 else troubles(seen)
        if not caller.targets and not asked.query and number == 1:
            trouble += self._notices.quiet_hooks()
        return page(
            request,
            "overview.html",
            notices=self._notices.now(caller),
            troubles=trouble[:MOST_TROUBLES],
            trouble_count=len(trouble),
            running=_running(seen)[:MOST_TROUBLES] if not asked.query and number == 1 else [],
            counts=_counts(seen),
            lines=self._lines(found[(number - 1) * PER_PAGE : number * PER_PAGE], snapshot),
            asked=asked,
            found=len(found),
            number=number,
            pages=pages,
            commit_query=_commit(asked.query),
            json="/api/v1/targets",
            cli="git-dispatcher targets",
            newest=snapshot.newest,
        )

    def _lines(self, names: Sequence[str], snapshot: Snapshot) -> list[TargetLine]:
        glances = self._overview.glances(names, everything=True)
        recent = self._overview.recent(names)
        return [
            TargetLine(
                glance.name,
                snapshot.targets[glance.name],
                next((d for d in glance.open if d.active), next(iter(glance.open), None)),
                glance.open_count,
                glance.ended,
                spark(deploys),
                bool(troubles([glance])),
                glance.paused is not None,
            )
            for glance, deploys in zip(glances, recent, strict=True)
        ]


def _seen(glances: Sequence[Glance], caller: Caller) -> list[Glance]:
    return [glance for glance in glances if may_see(caller, glance.name)]


def _found(seen: Sequence[Glance], snapshot: Snapshot, asked: Asked) -> list[str]:
    wanted = FILTERS.get(asked.only)
    query = asked.query.lower()
    return [
        glance.name
        for glance in seen
        if (wanted is None or wanted(glance))
        and (not query or _matches(glance, snapshot.targets[glance.name], query))
    ]


def _matches(glance: Glance, target: Target, query: str) -> bool:
    """By name, repository, branch or commit."""
    texts = [glance.name, target.repository, *target.branches, *target.tags]
    deploys = [*glance.open, *([glance.ended] if glance.ended else [])]
    if any(query in text.lower() for text in [*texts, *(deploy.ref for deploy in deploys)]):
        return True
    return any(deploy.commit.startswith(query) for deploy in deploys)


def _running(seen: Sequence[Glance]) -> list[Deploy]:
    """What was started last comes first."""
    active = [deploy for glance in seen for deploy in glance.open if deploy.active]
    return sorted(active, key=lambda deploy: -(deploy.started_at or deploy.starting_at))


def _counts(seen: Sequence[Glance]) -> dict[str, int]:
    running = sum(1 for glance in seen for deploy in glance.open if deploy.active)
    return {
        "targets": len(seen),
        "trouble": sum(1 for glance in seen if troubles([glance])),
        "running": running,
        "waiting": sum(glance.open_count for glance in seen) - running,
        "held": sum(1 for glance in seen if glance.paused),
    }


def _commit(query: str) -> str:
    """The query, if it can be a commit."""
    digits = query.lower()
    is_hex = len(digits) >= COMMIT_DIGITS and set(digits) <= set("0123456789abcdef")
    return digits if is_hex else ""
