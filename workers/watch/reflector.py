"""Follows one kind of object in a namespace: one LIST, then WATCHes from its resourceVersion, over and over.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
client-go calls it a reflector. It runs in a thread of its own and puts its events into a queue. Watches are
short and lists are repeated, since a watch from a resourceVersion that the server does not have (yet) gets no
event and no error. After a watch that was cut short it lists again for the same reason: the server may have
been restored meanwhile.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import msgspec

from dispatcher.domain.errors import ClusterError, ClusterUnavailable
from workers.kube.client import HistoryGone, Stream
from workers.kube.objects import (
    Job,
    JobList,
    ListMetadata,
    Metadata,
    Pod,
    PodList,
    Status,
    WatchEvent,
)
from workers.watch.telemetry import Telemetry, Unobserved

WATCH_SECONDS = 240
WATCHES_PER_LIST = 5
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
STEADY_SECONDS = 30.0
"""After so many seconds without a failure, pauses start from the first one again."""
ENDS_EARLY = 0.9
"""The part of its `timeoutSeconds` before which the end of a watch counts as cut short."""


@dataclass(frozen=True)
class ObjectsListed:
    """A complete list of Jobs or of Pods: it replaces what the cache has of the namespace."""

    namespace: str
    kind: str
    items: tuple[Job, ...] | tuple[Pod, ...]
    version: str


@dataclass(frozen=True)
class ObjectChanged:
    """An object was added or modified, or, with `deleted`, it is gone and this was its last state."""

    item: Job | Pod
    deleted: bool


@dataclass(frozen=True)
class ConnectionLost:
    """A LIST or WATCH failed; the reflector tries again by itself."""

    namespace: str
    kind: str
    why: str


_DECODERS: dict[str, msgspec.json.Decoder[Job] | msgspec.json.Decoder[Pod]] = {
    "job": msgspec.json.Decoder(Job),
    "pod": msgspec.json.Decoder(Pod),
}

ReflectorEvent = ObjectsListed | ObjectChanged | ConnectionLost


class ListWatcher(Protocol):
    """What a reflector needs of `workers.kube.client.Cluster`."""

    def list_jobs(self, namespace: str, selector: str, position: str = "") -> JobList: ...
    def list_pods(self, namespace: str, selector: str, position: str = "") -> PodList: ...
    def watch(
        self, kind: str, namespace: str, selector: str, since: str, seconds: int
    ) -> Stream: ...


class _Bookmark(msgspec.Struct, frozen=True):
    metadata: Metadata


class Reflector:
    """Start it, take its events, stop it."""

    def __init__(
        self,
        cluster: ListWatcher,
        kind: str,
        namespace: str,
        selector: str,
        emit: Callable[[ReflectorEvent], None],
        watch_seconds: int = WATCH_SECONDS,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._telemetry: Telemetry = telemetry or Unobserved()
        self._cluster, self._kind, self._namespace = cluster, kind, namespace
        self._selector, self._emit, self._watch_seconds = selector, emit, watch_seconds
        self._ended = threading.Event()
        self._stream: Stream | None = None
        self._thread = threading.Thread(target=self._run, name=f"reflector-{kind}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stops the reflector; its thread ends soon after."""
        self._ended.set()
        if stream := self._stream:
            stream.shutdown()

    def join(self, seconds: float) -> None:
        """Waits so many seconds for the thread of a stopped reflector to end."""
        self._thread.join(seconds)

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._ended.is_set():
            begun = time.monotonic()
            asked_for = self._follow()
            if time.monotonic() - begun > STEADY_SECONDS:
                pause = FIRST_PAUSE
            self._ended.wait(max(asked_for, pause * (0.5 + secrets.randbelow(1000) / 1000)))
            pause = min(LONGEST_PAUSE, pause * 2)

    def _follow(self) -> float:
        """Lists and watches until that ends; returns the seconds of the server's Retry-After."""
        try:
            self._list_and_watch()
        except HistoryGone:
            pass  # expected: list again
        except Exception as error:  # noqa: BLE001  # if a reflector's thread died, the watcher would go blind
            if not self._ended.is_set():
                self._emit(ConnectionLost(self._namespace, self._kind, _why(error)))
            return error.retry_after if isinstance(error, ClusterUnavailable) else 0.0
        return 0.0

    def _list_and_watch(self) -> None:
        version = self._list()
        for _ in range(WATCHES_PER_LIST):
            begun = time.monotonic()
            version = self._watch(version)
            early = time.monotonic() - begun < self._watch_seconds * ENDS_EARLY
            if early or self._ended.is_set():
                return

    def _list(self) -> str:
        found: list[Job | Pod] = []
        position, version = "", ""
        while True:
            items, metadata = self._page(position)
            found += items
            version, position = metadata.resource_version, metadata.continue_
            if not position or self._ended.is_set():
                break
        if not self._ended.is_set():  # a partial list would look complete
            self._emit(ObjectsListed(self._namespace, self._kind, tuple(found), version))  # type: ignore[arg-type]
        return version

    def _page(self, position: str) -> tuple[tuple[Job, ...] | tuple[Pod, ...], ListMetadata]:
        page: JobList | PodList
        if self._kind == "job":
            page = self._cluster.list_jobs(self._namespace, self._selector, position)
        else:
            page = self._cluster.list_pods(self._namespace, self._selector, position)
        return page.items, page.metadata

    def _watch(self, since: str) -> str:
        stream = self._cluster.watch(
            self._kind, self._namespace, self._selector, since, self._watch_seconds
        )
        self._stream = stream
        if self._ended.is_set():
            stream.shutdown()
            return since
        ended = "failed"
        try:
            for event in _events(stream):
                since = self._handle(event) or since
                self._received()
            ended = "expired"
        except HistoryGone:
            ended = "gone"
            raise
        finally:
            if not self._ended.is_set():
                self._telemetry.ended(self._namespace, self._kind, ended)
        return since

    def _received(self) -> None:
        if not self._ended.is_set():
            self._telemetry.received(self._namespace, self._kind)

    def _handle(self, event: WatchEvent) -> str:
        """Emits the event; returns the resourceVersion to continue from."""
        if event.type == "ERROR":
            status = msgspec.json.decode(event.object, type=Status)
            kind = HistoryGone if status.code == 410 else ClusterUnavailable
            raise kind(f"the watch ended: {status.message} ({status.code})")
        if event.type == "BOOKMARK":
            return msgspec.json.decode(event.object, type=_Bookmark).metadata.resource_version
        item = _DECODERS[self._kind].decode(event.object)
        self._emit(ObjectChanged(item, event.type == "DELETED"))
        return item.metadata.resource_version


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, ClusterError) else f"{type(error).__name__}: {error}"


def _events(stream: Stream) -> Iterator[WatchEvent]:
    """The events of a watch, one per line, until it ends. Raises ClusterUnavailable."""
    rest = b""
    try:
        for chunk in stream.chunks():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield msgspec.json.decode(line, type=WatchEvent)
    except msgspec.MsgspecError as error:
        raise ClusterUnavailable(f"a watch event cannot be decoded: {error}") from error
