"""The API over HTTP: typed answers, and a message with a remedy for each error."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from types import TracebackType
from typing import TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpx
import msgspec
from httpx_sse import EventSource, ServerSentEvent, SSEError

from dispatcher.commands.access import TOKEN, URL, Access
from dispatcher.commands.exits import Exit, Failed
from dispatcher.domain.access import Role
from dispatcher.domain.errors import UsageError
from dispatcher.http.api.schemas.access import AuditPage, CreatedToken, RevokedToken, TokenList
from dispatcher.http.api.schemas.commits import CommitPage
from dispatcher.http.api.schemas.deliveries import DeliveryDetail, DeliveryList, ReplayAnswer
from dispatcher.http.api.schemas.deploys import (
    DeployDetail,
    DeployList,
    DeployPage,
    OrderAnswer,
    RedeployAnswer,
)
from dispatcher.http.api.schemas.events import EventPage, GapInfo, StreamedEventInfo
from dispatcher.http.api.schemas.health import Ready
from dispatcher.http.api.schemas.hooks import HookList
from dispatcher.http.api.schemas.notifications import (
    DeadLetterPage,
    ReceiverList,
    RequestedMessage,
)
from dispatcher.http.api.schemas.pauses import PauseAnswer
from dispatcher.http.api.schemas.processes import ProcessList
from dispatcher.http.api.schemas.queue import QueuePage
from dispatcher.http.api.schemas.repairs import RepairList
from dispatcher.http.api.schemas.targets import TargetInfo, TargetList, TargetPage

TIMEOUT = 10.0
"""Seconds for one request."""

NO_FILTERS: Mapping[str, str | None] = {}
SILENT = 60.0
"""Seconds after which a stream that says nothing, not even that it is there, is given up."""

HINTS = {
    "unknown_target": "`git-dispatcher targets` lists them",
    "unknown_deploy": "`git-dispatcher deploys TARGET` lists them",
    "unknown_delivery": "`git-dispatcher deliveries` lists them",
    "unknown_receiver": "`git-dispatcher notifications list` lists them",
    "unknown_dead_letter": "`git-dispatcher notifications dead-letters` lists them",
}
"""API error code → the command that helps; the API's own messages name HTTP requests instead."""

T = TypeVar("T")


class _Problem(msgspec.Struct, frozen=True):
    """The API's error. `dispatcher.http.responses`, which says so too, loads the web server's libraries."""

    code: str
    detail: str


def _event(sent: ServerSentEvent) -> StreamedEventInfo | GapInfo:
    if sent.event == "gap":
        return msgspec.json.decode(sent.data, type=GapInfo)
    return msgspec.json.decode(sent.data, type=StreamedEventInfo)


class EventStream:
    """Events as they come, and gaps where some are missing, until the connection ends."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.position = ""
        """Where to go on; "" where nothing is known of that yet."""

    def __iter__(self) -> Iterator[StreamedEventInfo | GapInfo]:
        for each in EventSource(self._response).iter_sse():
            if each.data:  # else it is a sign of life
                yield _event(each)
            self.position = each.id or self.position

    def end(self) -> None:
        """Ends the connection, from any thread: who reads gets an error."""
        stream = self._response.extensions["network_stream"]
        with suppress(OSError):
            stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


class Client:
    """Raises Failed with what to do about it. Use in a `with` block."""

    def __init__(
        self,
        access: Access,
        transport: httpx.BaseTransport | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._access = access
        self._http = _http(access, transport, timeout)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def targets(self) -> TargetList:
        """All of them, page by page."""
        page = self._call("GET", "targets?limit=1000", TargetPage)
        found = [*page.targets]
        while page.next:
            page = self._call("GET", f"targets?limit=1000&cursor={page.next}", TargetPage)
            found += page.targets
        return TargetList(tuple(found))

    def target(self, name: str) -> TargetInfo:
        return self._call("GET", f"targets/{_part(name)}", TargetInfo)

    def deploys(self, target: str, limit: int) -> DeployList:
        return self._call("GET", f"targets/{_part(target)}/deploys?limit={limit}", DeployList)

    def commit(self, repository: str, commit: str, cursor: str = "") -> CommitPage:
        path = f"repositories/{quote(repository)}/commits/{_part(commit)}"
        return self._call("GET", f"{path}?{_query({'cursor': cursor or None})}", CommitPage)

    def search_deploys(self, limit: int, filters: Mapping[str, str | None]) -> DeployPage:
        return self._call("GET", f"deploys?{_query(filters, limit=limit)}", DeployPage)

    def deploy(self, target: str, number: int) -> DeployDetail:
        return self._call("GET", f"targets/{_part(target)}/deploys/{number}", DeployDetail)

    def queue(self, limit: int, filters: Mapping[str, str | None]) -> QueuePage:
        return self._call("GET", f"queue?{_query(filters, limit=limit)}", QueuePage)

    def repairs(self, limit: int) -> RepairList:
        return self._call("GET", f"repairs?limit={limit}", RepairList)

    def processes(self) -> ProcessList:
        return self._call("GET", "processes", ProcessList)

    def ready(self) -> Ready:
        return self._call("GET", f"{self._access.url.rstrip('/')}/readyz", Ready)

    def hooks(self) -> HookList:
        return self._call("GET", "hooks", HookList)

    def deliveries(self, limit: int) -> DeliveryList:
        return self._call("GET", f"deliveries?limit={limit}", DeliveryList)

    def delivery(self, name: str) -> DeliveryDetail:
        return self._call("GET", f"deliveries/{_part(name)}", DeliveryDetail)

    def replay(self, delivery: str, *, reason: str, by: str) -> ReplayAnswer:
        path = f"deliveries/{_part(delivery)}/replay"
        return self._order(path, ReplayAnswer, reason, by)

    def redeploy(
        self,
        target: str,
        *,
        reason: str,
        by: str,
        request: str,
        commit: str | None = None,
        ref: str | None = None,
        deploy: int | None = None,
    ) -> RedeployAnswer:
        """A repeated call with the same `request` gets the same answer."""
        return self._call(
            "POST",
            f"targets/{_part(target)}/redeploy",
            RedeployAnswer,
            body={"reason": reason, "by": by, "commit": commit, "ref": ref, "deploy": deploy},
            headers={"Idempotency-Key": request},
        )

    def cancel(self, target: str, number: int, *, reason: str, by: str) -> OrderAnswer:
        path = f"targets/{_part(target)}/deploys/{number}/cancel"
        return self._order(path, OrderAnswer, reason, by)

    def release(self, target: str, number: int, *, reason: str, by: str) -> OrderAnswer:
        path = f"targets/{_part(target)}/deploys/{number}/release"
        return self._order(path, OrderAnswer, reason, by)

    def pause(self, target: str | None, *, reason: str, by: str) -> PauseAnswer:
        """`target` None pauses all targets together."""
        path = f"{_below(target)}pause"
        return self._order(path, PauseAnswer, reason, by)

    def resume(self, target: str | None, *, reason: str, by: str) -> PauseAnswer:
        path = f"{_below(target)}resume"
        return self._order(path, PauseAnswer, reason, by)

    def receivers(self) -> ReceiverList:
        return self._call("GET", "notifications", ReceiverList)

    def test_receiver(self, name: str, *, reason: str, by: str) -> RequestedMessage:
        path = f"notifications/{_part(name)}/test"
        return self._order(path, RequestedMessage, reason, by)

    def dead_letters(self, limit: int, cursor: str = "") -> DeadLetterPage:
        after = f"&cursor={_part(cursor)}" if cursor else ""
        return self._call("GET", f"notifications/dead-letters?limit={limit}{after}", DeadLetterPage)

    def resend(self, id: str, *, reason: str, by: str) -> RequestedMessage:
        path = f"notifications/dead-letters/{_part(id)}/resend"
        return self._order(path, RequestedMessage, reason, by)

    def tokens(self) -> TokenList:
        return self._call("GET", "tokens", TokenList)

    def create_token(
        self,
        name: str,
        *,
        role: Role,
        targets: Sequence[str],
        expires_in: int,
        reason: str,
        by: str,
    ) -> CreatedToken:
        """`expires_in` is seconds, 0 for never."""
        body = {"name": name, "role": role, "targets": targets, "expires_in": expires_in}
        return self._call("POST", "tokens", CreatedToken, {**body, "reason": reason, "by": by})

    def revoke_token(self, name: str, *, reason: str, by: str) -> RevokedToken:
        return self._order(f"tokens/{_part(name)}/revoke", RevokedToken, reason, by)

    def audit(self, limit: int) -> AuditPage:
        return self._call("GET", f"audit?limit={limit}", AuditPage)

    def past_events(self, limit: int, filters: Mapping[str, str | None]) -> EventPage:
        return self._call("GET", f"events?{_query(filters, limit=limit)}", EventPage)

    @contextmanager
    def events(
        self, after: str = "", filters: Mapping[str, str | None] = NO_FILTERS
    ) -> Iterator[EventStream]:
        """The events that come after that id, else from now on."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        timeout = httpx.Timeout(TIMEOUT, read=SILENT)
        try:
            with self._http.stream(
                "GET", f"events?{_query(filters)}", headers=headers, timeout=timeout
            ) as response:
                if not response.is_success:
                    response.read()
                    raise self._refused(response)
                yield EventStream(response)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None
        except (SSEError, msgspec.DecodeError):
            raise self._another() from None

    @contextmanager
    def log(
        self, target: str, number: int, query: Mapping[str, str | None], after: str = ""
    ) -> Iterator[Iterator[bytes]]:
        """The bytes of a log's event stream, from behind that id on."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        path = f"targets/{_part(target)}/deploys/{number}/log?{_query(query)}"
        timeout = httpx.Timeout(TIMEOUT, read=SILENT)
        try:
            with self._http.stream("GET", path, headers=headers, timeout=timeout) as response:
                if not response.is_success:
                    response.read()
                    raise self._refused(response)
                yield response.iter_bytes()
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None
        except msgspec.DecodeError:
            raise self._another() from None

    def _order(self, path: str, kind: type[T], reason: str, by: str) -> T:
        return self._call("POST", path, kind, body={"reason": reason, "by": by})

    def _call(
        self,
        method: str,
        path: str,
        kind: type[T],
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        try:
            response = self._http.request(method, path, json=body, headers=headers)
        except httpx.InvalidURL:
            raise _bad_url(self._access.url) from None
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None
        if not response.is_success:
            raise self._refused(response)
        try:
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.DecodeError:
            raise self._another() from None

    def _another(self) -> Failed:
        message = f"what answers at {_shown(self._access.url)} is not git-dispatcher: check the URL"
        return Failed(Exit.REFUSED, message)

    def _unreachable(self, error: httpx.HTTPError) -> Failed:
        why = str(error) or type(error).__name__
        return Failed(
            Exit.UNAVAILABLE,
            f"nobody answers at {_shown(self._access.url)} ({why}): start `git-dispatcher web` or "
            f"`git-dispatcher up` there, or say where it is with --url or {URL}",
        )

    def _refused(self, response: httpx.Response) -> Failed:
        status = response.status_code
        code = Exit.UNAVAILABLE if status >= 500 or status in (408, 429) else Exit.REFUSED
        code = Exit.USAGE if status in (400, 422) else code
        message = f"{self._said(response)} ({_shown(self._access.url)} answered {status})"
        return Failed(code, message, status)

    def _said(self, response: httpx.Response) -> str:
        if response.status_code == 401:
            source = self._access.token.source
            if self._access.token.reveal():
                return f"the token from {source} is not accepted: it must be one of the server's"
            return f"a token is needed: give it with --token-file or {TOKEN}"
        try:
            problem = msgspec.json.decode(response.content, type=_Problem)
        except msgspec.DecodeError:
            return "no answer of git-dispatcher's: check the URL"
        hint = HINTS.get(problem.code)
        mark = " " if problem.detail.endswith("?") else "; "
        return f"{problem.detail}{mark}{hint}" if hint else problem.detail


def _http(access: Access, transport: httpx.BaseTransport | None, timeout: float) -> httpx.Client:
    parts = _split(access.url)
    token = access.token.reveal()
    if not token.isascii() or not token.decode("latin-1").isprintable():
        raise UsageError(f"the token from {access.token.source} holds other characters than ASCII")
    try:
        return httpx.Client(
            base_url=f"{access.url.rstrip('/')}/api/v1/",
            headers={"Authorization": f"Bearer {token.decode()}"} if token else {},
            timeout=timeout,
            transport=transport,
            # A request to this machine does not go through a proxy.
            trust_env=not _is_loopback(parts.hostname or ""),
        )
    except (OSError, ValueError, httpx.InvalidURL) as error:
        raise UsageError(
            f"{_shown(access.url)} or the proxy settings are unusable: {error}"
        ) from None


class _Parts(msgspec.Struct, frozen=True):
    hostname: str


def _split(url: str) -> _Parts:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isprintable():
        raise _bad_url(url)
    return _Parts(parts.hostname or "")


def _bad_url(url: str) -> UsageError:
    return UsageError(f"{_shown(url)!r} is not a URL: write it like https://deploy.example.com")


def _shown(url: str) -> str:
    """The URL without user and password, which a proxy in front of the API may need."""
    return f"…@{url.rpartition('@')[2]}" if "@" in url else url


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _below(target: str | None) -> str:
    return "" if target is None else f"targets/{_part(target)}/"


def _query(filters: Mapping[str, str | None], **more: int) -> str:
    """Of a URL, without the filters that are None."""
    given = {name: value for name, value in filters.items() if value is not None}
    return urlencode({**given, **more})


def _part(name: str) -> str:
    return quote(name, safe="")
