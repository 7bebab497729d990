"""`/api/v1/repositories/{repository}/commits/{commit}`: every target of the
repository, and what became of the commit there. Must only read."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.domain.repositories import UnusableRepository, normalize_repository
from dispatcher.http.api import filters
from dispatcher.http.api.requests import RequestParser, line, page_limit
from dispatcher.http.api.schemas.commits import CommitPage, commit_target
from dispatcher.http.api.targets import CURSOR
from dispatcher.http.live_config import LiveConfig
from dispatcher.http.responses import ErrorResponse, json_response
from dispatcher.ledger import Commits, Store

MOST, USUAL = 200, 50
"""Targets in one response."""


class RepositoryCommits:
    """The endpoint. Redis calls run in a thread."""

    def __init__(self, live: LiveConfig, parser: RequestParser, store: Store) -> None:
        self._live, self._parser, self._commits = live, parser, Commits(store)

    async def show(self, request: Request) -> Response:
        repository, commit = _repository(request), _commit(request)
        limit, cursor = page_limit(request, USUAL, MOST), filters.position(request, CURSOR)
        names = self._targets(request, repository)
        if cursor and cursor not in names:
            raise ErrorResponse(
                400, "invalid_cursor", "cursor is no target of the repository: begin anew"
            )
        rest = names[names.index(cursor) + 1 :] if cursor else names
        found = await to_thread.run_sync(self._commits.history, rest[:limit], commit)
        return json_response(
            CommitPage(
                repository=repository,
                commit=commit,
                targets=tuple(map(commit_target, found)),
                total=len(names),
                next=rest[limit - 1] if len(rest) > limit else "",
            )
        )

    def _targets(self, request: Request, repository: str) -> list[str]:
        """Those of the repository that the caller may see."""
        known = self._live.now.repositories
        names = [name for name in self._parser.targets(request) if known.get(name) == repository]
        if not names:
            shown = line(request.path_params["repository"])[:100]
            message = f"No target has the repository {shown!r}: write it like github.com/acme/shop"
            raise ErrorResponse(404, "unknown_repository", message)
        return names


def _repository(request: Request) -> str:
    """Its identity; "" for what is none, which no target has."""
    try:
        return normalize_repository(request.path_params["repository"])
    except UnusableRepository:
        return ""


def _commit(request: Request) -> str:
    text: str = request.path_params["commit"]
    if not filters.COMMIT.fullmatch(text):
        message = "The commit must be 4 to 64 hexadecimal digits, the first of its id or all"
        raise ErrorResponse(400, "invalid_commit", message)
    return text.lower()
