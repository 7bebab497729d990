"""A deploy's page: what became of it and why, its phases and timeline, its log, its manifest."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.dashboard.advice import advice
from dispatcher.dashboard.ansi import runs
from dispatcher.dashboard.notices import Notices
from dispatcher.dashboard.phases import WIDTH, parts, usual
from dispatcher.dashboard.rendering import page
from dispatcher.domain.access import Caller, Role
from dispatcher.domain.deploy import Deploy
from dispatcher.http.api.requests import RequestParser, deploy_number, unknown_deploy
from dispatcher.http.live_config import LiveConfig
from dispatcher.http.permissions import caller_of
from dispatcher.ledger import Events, Overview, Reader, Store, TargetFacts, read_facts


class DeployPage:
    """The page."""

    def __init__(
        self, parser: RequestParser, live: LiveConfig, notices: Notices, store: Store
    ) -> None:
        self._parser, self._live, self._notices, self._store = parser, live, notices, store
        self._reader, self._overview, self._events = Reader(store), Overview(store), Events(store)

    async def show(self, request: Request) -> Response:
        target = await self._parser.history(request)
        number = deploy_number(request, target)
        return await to_thread.run_sync(self._page, request, target, number)

    def _page(self, request: Request, target: str, number: int) -> Response:
        newest = self._events.newest()
        found = self._reader.deploy(target, number)
        if found is None:
            raise unknown_deploy(target, number, self._reader.numbers(target))
        facts, timeline = read_facts(self._store, target), self._events.timeline(target, number)
        (recent,) = self._overview.recent([target])
        in_cluster = _in_cluster(found, facts)
        configured = self._live.now.targets.get(target)
        return page(
            request,
            "deploy.html",
            notices=self._notices.now(caller_of(request)),
            deploy=found,
            configured=configured is not None,
            repository=configured.repository if configured else "",
            facts=facts,
            due=0 if found.terminal else facts.due,
            timeline=timeline,
            live_log=in_cluster or (found.active and bool(found.job)),
            phases=parts(timeline, self._store.now(), cleaned=not in_cluster),
            width=WIDTH,
            usual=usual(recent),
            advice=advice(found.cause),
            log=runs(found.log_tail),
            manifest=_manifest(facts, caller_of(request)),
            json=f"/api/v1/targets/{target}/deploys/{number}",
            cli=f"git-dispatcher show {found.name}",
            newest=newest,
            topic=target,
        )


def _in_cluster(deploy: Deploy, facts: TargetFacts) -> bool:
    return any(job.number == deploy.number and not job.all_gone for job in facts.jobs)


def _manifest(facts: TargetFacts, caller: Caller) -> str:
    """The Job as a worker creates it now. Who may only read sees no values of variables."""
    if facts.spec is None:
        return ""
    manifest = copy.deepcopy(facts.spec.manifest)
    if not caller.role.includes(Role.OPERATE):
        _hide(manifest)
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2).decode()


def _hide(value: Any) -> None:
    """Replaces the value of each `{name: …, value: …}`."""
    if isinstance(value, dict):
        if {"name", "value"} <= value.keys():
            value["value"] = "…"
        for each in value.values():
            _hide(each)
    elif isinstance(value, list):
        for each in value:
            _hide(each)
