"""`/api/v1/targets/{target}/deploys/{number}/log`: a deploy's log as text or as server-sent events, live too.

web has no rights in the cluster: the leading watcher relays the log through the ledger. Readers wait in
coroutines, of which there is a bounded number, so that they delay no delivery.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

import anyio
import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.errors import LedgerUnavailable
from dispatcher.domain.log import LogEnd, LogName
from dispatcher.http.api.log_reading import NOTHING, Item, LogReading, Seen
from dispatcher.http.api.requests import RequestParser, deploy_number, unknown_deploy
from dispatcher.http.api.schemas.logs import EndData, LineData
from dispatcher.http.api.serializers.logs import KEEP_ALIVE, as_events, as_text
from dispatcher.http.live_config import LiveConfig
from dispatcher.http.responses import HEADERS, RETRY_AFTER, ErrorResponse
from dispatcher.ledger import LogReader, Reader, RelayedPart, Store, WatcherHealth, WholeDeploy

EVENT_STREAM, TEXT = "text/event-stream", "text/plain"
CONTAINER = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names"""
ANSWER_SECONDS = 15.0
"""How long a request waits for the leading watcher's first part: a new one leads within less."""
LEAVE_SECONDS = 2.0

Write = Callable[[list[Item]], bytes]
"""Items as the bytes to send; none for those that say nothing."""

log = structlog.get_logger()


@dataclass(frozen=True)
class LogQuery:
    """What of a log is asked for, and how."""

    container: str = ""
    follow: bool = False
    timestamps: bool = False
    events: bool = False
    """As server-sent events, not as text."""
    seen: Seen = NOTHING

    @classmethod
    def of(cls, request: Request) -> LogQuery:
        container = request.query_params.get("container", "")
        if container and not CONTAINER.fullmatch(container):
            raise ErrorResponse(
                400, "invalid_container", "container is no name of a container, like clone"
            )
        return cls(
            container,
            _flag(request, "follow"),
            _flag(request, "timestamps"),
            EVENT_STREAM in request.headers.get("accept", ""),
            seen(request.headers.get("last-event-id", "")),
        )


class DeployLogs:
    """The endpoint."""

    def __init__(
        self, live: LiveConfig, parser: RequestParser, store: Store, logs: LogReader, most: int
    ) -> None:
        """`most`: how many readers there may be at a time."""
        self._live, self._parser, self._logs = live, parser, logs
        self._reader, self._health = Reader(store), WatcherHealth(store)
        self._most, self._readers = most, 0

    async def show(self, request: Request) -> Response:
        target = await self._parser.history(request)
        number, query = deploy_number(request, target), LogQuery.of(request)
        media = EVENT_STREAM if query.events else TEXT
        return await self.stream(
            LogName(target=target, number=number, container=query.container),
            query,
            media,
            _writer(query),
        )

    async def stream(self, name: LogName, query: LogQuery, media: str, write: Write) -> LogResponse:
        """The log as `write` has it. Raises ErrorResponse where there is none."""
        if self._readers >= self._most:
            message = f"{self._most} logs are being read: close one, or try again later"
            raise ErrorResponse(503, "too_many_logs", message, RETRY_AFTER)
        self._readers += 1
        reader = _Reader(self, name)
        try:
            return LogResponse(reader, await reader.begin(query), media, write)
        except BaseException:
            await reader.leave()
            raise

    def left(self) -> None:
        self._readers -= 1

    async def whole(self, name: LogName) -> WholeDeploy:
        found = await to_thread.run_sync(self._reader.whole, name.target, name.number)
        if found is None:
            kept = await to_thread.run_sync(self._reader.numbers, name.target)
            raise unknown_deploy(name.target, name.number, kept)
        return found

    def log_url(self, whole: WholeDeploy) -> str:
        pod = whole.observed.pod if whole.observed else ""
        return self._live.now.logs.url_of(whole.deploy, pod)

    def reading(self, name: LogName, query: LogQuery) -> LogReading:
        return LogReading(self._logs, name, query.seen, follow=query.follow)

    async def is_relayed(self, name: LogName) -> bool:
        """Whether its log is relayed, or was a moment ago: then it is there although its Pod is not."""
        ends = await self._logs.ends(name)
        end = ends[1].part.end if ends else None
        return ends is not None and (end is None or end.lasts)

    @property
    def is_stopping(self) -> bool:
        return self._logs.is_stopping

    async def has_leader(self) -> bool:
        return await to_thread.run_sync(self._health.has_leader)


class _Reader:
    """One request's: its first items, which decide on the status, and those after them."""

    def __init__(self, logs: DeployLogs, name: LogName) -> None:
        self._logs, self._name = logs, name
        self._reading: LogReading | None = None

    async def begin(self, query: LogQuery) -> list[Item]:
        """The first items; raises ErrorResponse where there is no log."""
        whole = await self._logs.whole(self._name)
        deploy = whole.deploy
        if deploy.terminal and not (deploy.job or deploy.log_tail):
            message = f"{deploy.name} is {deploy.state} and was never started: it has no log"
            raise ErrorResponse(404, "no_log", message)
        if (
            deploy.terminal
            and whole.observed is None
            and not await self._logs.is_relayed(self._name)
        ):
            return await self._kept()
        self._reading = self._logs.reading(self._name, query)
        await self._reading.begin()
        found = await self._first_parts(self._reading)
        if not found:
            return await self._unanswered(deploy)
        return await self._checked(found, query)

    async def _first_parts(self, reading: LogReading) -> list[RelayedPart]:
        """Those until one says something about the log."""
        found: list[RelayedPart] = []
        with anyio.move_on_after(ANSWER_SECONDS):
            while not any(map(_says_something, found)):
                new = await reading.parts()
                if not new and not await self._logs.has_leader():
                    return []
                found += new
            return found
        return []

    async def _checked(self, found: list[RelayedPart], query: LogQuery) -> list[Item]:
        assert self._reading is not None
        items = [item for part in found for item in self._reading.items(part)]
        last = found[-1].part
        has_lines = any(isinstance(data, LineData) for _, data in items)
        match last.end:
            case LogEnd.GONE:
                return await self._kept()
            case LogEnd.NO_CONTAINER if not has_lines:
                raise ErrorResponse(404, "unknown_container", _sentence(last.why))
            case LogEnd.FORBIDDEN:
                message = f"The watcher may not read this log: {last.why}"
                raise ErrorResponse(503, "log_unavailable", message, RETRY_AFTER)
            case LogEnd.BUSY:
                raise ErrorResponse(503, "too_many_logs", _sentence(last.why), RETRY_AFTER)
        if last.waits and not query.follow and not last.position.pod:
            message = f"There is no log yet: it waits for {last.waits}. Ask with follow=true"
            raise ErrorResponse(404, "no_log", message)
        return items

    async def _kept(self) -> list[Item]:
        """The end of the log that a worker kept, where nothing of it is in the cluster any more."""
        whole = await self._logs.whole(self._name)
        deploy, url = whole.deploy, self._logs.log_url(whole)
        if not deploy.log_tail or self._name.container:
            raise ErrorResponse(410, "log_gone", _gone(deploy, url))
        lines = deploy.log_tail.removesuffix("\n").split("\n")
        why = f"{deploy.name} has no Pod any more: this is what was kept of the end of its log"
        return [
            *(("", LineData(at=None, text=line)) for line in lines),
            ("", EndData(end="tail", why=why, log_url=url)),
        ]

    async def _unanswered(self, deploy: Deploy) -> list[Item]:
        if deploy.terminal and deploy.log_tail and not self._name.container:
            return await self._kept()
        why = "no answer within time" if await self._logs.has_leader() else "no watcher leads"
        message = (
            f"The log cannot be read: {why}. Start `git-dispatcher watcher`, or look at its log"
        )
        raise ErrorResponse(503, "log_unavailable", message, RETRY_AFTER)

    async def rest(self) -> AsyncIterator[list[Item]]:
        """What comes after the first items, until the log has ended; an empty list now and then."""
        while self._reading and not (self._reading.has_ended or self._logs.is_stopping):
            parts = await self._reading.parts()
            yield [item for part in parts for item in self._reading.items(part)]

    async def leave(self) -> None:
        self._logs.left()
        if self._reading:
            with suppress(LedgerUnavailable), anyio.move_on_after(LEAVE_SECONDS, shield=True):
                await self._reading.leave()

    async def with_url(self, items: list[Item]) -> list[Item]:
        """An end says where the log is kept."""
        if not items or not isinstance(items[-1][1], EndData) or items[-1][1].end == "tail":
            return items
        end = items[-1][1]
        url = self._logs.log_url(await self._logs.whole(self._name))
        return [*items[:-1], ("", EndData(end=end.end, why=end.why, log_url=url))]


class LogResponse(StreamingResponse):
    """Streams a log, and says that its reader has left, however that comes about."""

    def __init__(self, reader: _Reader, first: list[Item], media: str, write: Write) -> None:
        super().__init__(self._pieces(first), 200, dict(HEADERS), media)
        self._reader, self._write, self._is_text = reader, write, media == TEXT

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._reader.leave()

    async def _pieces(self, first: list[Item]) -> AsyncIterator[bytes]:
        try:
            yield self._write(await self._reader.with_url(first))
            async for items in self._reader.rest():
                if piece := self._write(await self._reader.with_url(items)):
                    yield piece
        except LedgerUnavailable as away:  # who follows comes back, with the id of the last line
            log.warning("a log is no longer streamed", why=str(away))
            if self._is_text:
                yield b"[git-dispatcher: Redis is not available: the log goes on behind this]\n"


def _writer(query: LogQuery) -> Write:
    if query.events:
        return lambda items: as_events(items) or KEEP_ALIVE
    return lambda items: as_text(items, timestamps=query.timestamps)


def _says_something(relayed: RelayedPart) -> bool:
    part = relayed.part
    return bool(part.lines or part.containers or part.waits or part.end)


def _gone(deploy: Deploy, url: str) -> str:
    message = f"{deploy.name} is {deploy.state} and its Pod is not in the cluster any more"
    if deploy.log_tail:
        return f"{message}: only the end of one log was kept, leave out container for that"
    return f"{message}: its log is kept at {url}" if url else f"{message}: no log of it was kept"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _flag(request: Request, name: str) -> bool:
    text = request.query_params.get(name, "false")
    if text not in ("true", "false"):
        raise ErrorResponse(400, "invalid_flag", f"{name} must be true or false")
    return text == "true"


def seen(id: str) -> Seen:
    """The last line that the reader has; whatever is no id of ours counts as none."""
    found = re.fullmatch(r"([0-9]{1,19})-([0-9]{1,9})", id, re.ASCII)
    return Seen(int(found[1]), int(found[2])) if found else NOTHING
