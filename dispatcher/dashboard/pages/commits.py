"""A commit's page: what became of it for every target of its repositories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.dashboard.notices import Notices
from dispatcher.dashboard.rendering import page
from dispatcher.dashboard.snapshots import Snapshot, Snapshots
from dispatcher.domain.access import Caller
from dispatcher.domain.deploy import Deploy
from dispatcher.domain.repositories import normalize_repository
from dispatcher.http.api.schemas.deliveries import DeliveryInfo
from dispatcher.http.api.serializers.deliveries import delivery_info
from dispatcher.http.permissions import caller_of, may_see
from dispatcher.http.responses import ErrorResponse
from dispatcher.ledger import DeliveryLog, Reader, Store

MOST_TARGETS = 100
DELIVERIES = 300
"""Newest deliveries among which those of the commit are looked for."""
SHORTEST, LONGEST = 7, 64
WHOLE = (40, 64)
HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class Fate:
    """What became of the commit for one target."""

    target: str
    deploys: Sequence[Deploy]
    """Those of the commit, newest first."""
    reason: str
    """Why there are none, as its newest delivery says; "" if nothing is known."""


class CommitPage:
    """The page."""

    def __init__(self, snapshots: Snapshots, notices: Notices, store: Store) -> None:
        self._snapshots, self._notices = snapshots, notices
        self._reader, self._log = Reader(store), DeliveryLog(store)

    async def show(self, request: Request) -> Response:
        commit = request.path_params["commit"].lower()
        if not SHORTEST <= len(commit) <= LONGEST or not set(commit) <= HEX:
            raise ErrorResponse(
                404, "not_found", "That is no commit: give 7 to 64 hexadecimal digits of it"
            )
        return await to_thread.run_sync(self._page, request, commit)

    def _page(self, request: Request, commit: str) -> Response:
        caller = caller_of(request)
        snapshot = self._snapshots.take(everything=True)
        repository = request.query_params.get("repository", "")
        names = _targets(snapshot, caller, commit, repository)
        deliveries = [] if caller.targets else self._deliveries(commit)
        return page(
            request,
            "commit.html",
            notices=self._notices.now(caller),
            commit_id=commit,
            fates=[self._fate(name, commit, deliveries) for name in names[:MOST_TARGETS]],
            more=max(0, len(names) - MOST_TARGETS),
            deliveries=deliveries,
            repositories=sorted({snapshot.targets[name].repository for name in names}),
            json=_json(commit, [snapshot.targets[name].repository for name in names]),
            cli=f"git-dispatcher deploys {names[0]}" if names else "",
            newest=snapshot.newest,
        )

    def _fate(self, target: str, commit: str, deliveries: Sequence[DeliveryInfo]) -> Fate:
        deploys = [d for d in self._reader.deploys(target) if d.commit.startswith(commit)]
        results = [r for each in deliveries for r in each.results if r.target == target]
        reasons = [f"{r.outcome}: {r.reason}" for r in results if r.commit.startswith(commit)]
        return Fate(target, deploys, reasons[0] if reasons and not deploys else "")

    def _deliveries(self, commit: str) -> list[DeliveryInfo]:
        """Newest first."""
        infos = map(delivery_info, self._log.newest(DELIVERIES))
        return [each for each in infos if any(ref.after.startswith(commit) for ref in each.refs)]


def _json(commit: str, repositories: Sequence[str]) -> str:
    """Where the API has the same: all targets of the repository, for a whole commit; else the deploys."""
    identities = {normalize_repository(each) for each in repositories}
    if len(identities) == 1 and len(commit) in WHOLE:
        return f"/api/v1/repositories/{identities.pop()}/commits/{commit}"
    return f"/api/v1/deploys?commit={commit}"


def _targets(snapshot: Snapshot, caller: Caller, commit: str, repository: str) -> list[str]:
    """All targets of the repository; without one, of those where the commit is a target's newest."""
    wanted = (
        {repository}
        if repository
        else {
            snapshot.targets[glance.name].repository
            for glance in snapshot.glances
            for deploy in (*glance.open, *([glance.ended] if glance.ended else []))
            if deploy.commit.startswith(commit)
        }
    )
    targets = snapshot.targets.values()
    return [
        each.name for each in targets if each.repository in wanted and may_see(caller, each.name)
    ]
