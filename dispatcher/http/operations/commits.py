"""Operations: commits of a repository."""

from __future__ import annotations

from dispatcher.http.api import commits, targets
from dispatcher.http.api.schemas.commits import CommitPage
from dispatcher.http.openapi.operation import Operation, codes
from dispatcher.http.operations.endpoints import Endpoints
from dispatcher.http.operations.shared import CURSOR, LIMIT, cursor, limit

OPERATIONS: tuple[Operation[Endpoints], ...] = (
    Operation(
        method="GET",
        path="/api/v1/repositories/{repository:path}/commits/{commit}",
        handler=lambda at: at.commits.show,
        summary="What became of a commit at every target of its repository",
        responses={200: CommitPage},
        own_errors=LIMIT | CURSOR | codes("400 invalid_commit", "404 unknown_repository"),
        parameters=(limit(commits.MOST, commits.USUAL), cursor(targets.CURSOR)),
    ),
)
