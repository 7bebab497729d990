"""A deploy's log on its page, live while it runs."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.dashboard.log_lines import as_html, remark
from dispatcher.dashboard.rendering import HEADERS
from dispatcher.domain.log import LogName
from dispatcher.http.api.logs import EVENT_STREAM, DeployLogs, LogQuery, seen
from dispatcher.http.api.requests import RequestParser, deploy_number
from dispatcher.http.responses import ErrorResponse

STREAM_HEADERS = {**HEADERS, "X-Accel-Buffering": "no"}


class LogStream:
    """The endpoint."""

    def __init__(self, parser: RequestParser, logs: DeployLogs) -> None:
        self._parser, self._logs = parser, logs

    async def show(self, request: Request) -> Response:
        target = await self._parser.history(request)
        name = LogName(target=target, number=deploy_number(request, target))
        query = LogQuery(follow=True, seen=seen(request.headers.get("last-event-id", "")))
        try:
            response: Response = await self._logs.stream(name, query, EVENT_STREAM, as_html)
        except ErrorResponse as error:  # it is shown where the log would be
            return Response(remark(error.message), 200, STREAM_HEADERS, EVENT_STREAM)
        response.headers.update(STREAM_HEADERS)
        return response
