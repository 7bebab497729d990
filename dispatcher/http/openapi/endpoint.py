"""`GET /api/v1/openapi.json`: serves the OpenAPI document."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.http.openapi.document import Json
from dispatcher.http.responses import json_response


class OpenApi:
    """The endpoint."""

    def __init__(self, document: Json) -> None:
        self._document = document

    async def show(self, _: Request) -> Response:
        return json_response(self._document)
