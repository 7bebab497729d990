"""A watch: the changes of one kind after a version, as they happen.

It waits for the store and for its own timeout, nothing else. It must not know HTTP; what it yields
are the stream's lines. A client that doesn't keep up is cut off and has to list again.
https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import msgspec

from dispatcher.local.cluster.apimachinery.api_errors import Expired
from dispatcher.local.cluster.apimachinery.errors import ExpiredError
from dispatcher.local.cluster.apimachinery.objects import Object, clone, meta, namespace_of
from dispatcher.local.cluster.apimachinery.resources import Resource
from dispatcher.local.cluster.apimachinery.selectors import EVERYTHING, Selector
from dispatcher.local.cluster.storage.changes import Change, ChangeType
from dispatcher.local.cluster.storage.store import Store

BOOKMARK_PERIOD = 15.0
_MAX_BACKLOG = 10_000
_INITIAL_EVENTS_END = "k8s.io/initial-events-end"

Render = Callable[[Object, bool], Object]


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """`since` is the version to go on from; without one the present state comes first.

    `timeout` is in seconds. `initial_end` asks for a bookmark that ends the present state.
    """

    namespace: str = ""
    selector: Selector = EVERYTHING
    since: int | None = None
    bookmarks: bool = False
    timeout: float = 1800.0
    initial_end: bool = False


class Watch:
    """One client's watch. `render` makes what is sent of an object, and is told whether it is the first."""

    def __init__(
        self, store: Store, resource: Resource, options: WatchOptions, render: Render
    ) -> None:
        self._store = store
        self._resource = resource
        self._options = options
        self._render = render
        self._pending: deque[Change] = deque()
        self._wake = asyncio.Event()
        self._first = True
        self._overrun = False

    async def lines(self, closing: asyncio.Event) -> AsyncIterator[bytes]:
        """The stream, until its timeout or until the server closes."""
        stop_listening = self._store.listen(self._on_change)
        closer = asyncio.ensure_future(closing.wait())
        closer.add_done_callback(lambda _: self._wake.set())
        try:
            yield self._start()
            async for chunk in self._follow(closing):
                yield chunk
        except ExpiredError as error:
            yield _line("ERROR", Expired(str(error)).body())
        finally:
            closer.cancel()
            stop_listening()

    def _on_change(self, change: Change) -> None:
        if change.resource == self._resource:
            if len(self._pending) >= _MAX_BACKLOG:
                self._overrun = True
            else:
                self._pending.append(change)
            self._wake.set()

    def _start(self) -> bytes:
        """What the client has missed, or all there is; raises `ExpiredError`."""
        if self._options.since is not None:
            missed = self._store.changes_since(self._resource, self._options.since)
            return b"".join(map(self._event, missed))
        present = self._store.all(self._resource, self._options.namespace)
        lines = [
            _line(ChangeType.ADDED, self._rendered(obj))
            for obj in present
            if self._options.selector.matches(obj)
        ]
        if self._options.initial_end:
            lines.append(self._bookmark(initial_end=True))
        return b"".join(lines)

    async def _follow(self, closing: asyncio.Event) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._options.timeout
        while not (closing.is_set() or self._overrun):
            left = end - loop.time()
            if self._pending:
                changes = list(self._pending)
                self._pending.clear()
                yield b"".join(map(self._event, changes))
            elif left <= 0:
                break
            elif not await self._woken(min(left, BOOKMARK_PERIOD)) and left > BOOKMARK_PERIOD:
                yield self._bookmark()
        yield self._bookmark()

    async def _woken(self, seconds: float) -> bool:
        """Waits for a change; false when there was none within the time."""
        self._wake.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True

    def _bookmark(self, initial_end: bool = False) -> bytes:
        if not self._options.bookmarks:
            return b""
        metadata: Object = {
            "resourceVersion": str(max(self._store.version, self._options.since or 0)),
            "creationTimestamp": None,
        }
        if initial_end:
            metadata["annotations"] = {_INITIAL_EVENTS_END: "true"}
        obj = {
            "kind": self._resource.kind,
            "apiVersion": self._resource.api_version,
            "metadata": metadata,
        }
        return _line("BOOKMARK", self._rendered(obj))

    def _event(self, change: Change) -> bytes:
        if change.version <= (self._options.since or 0):
            return b""
        seen = visible(change, self._options.namespace, self._options.selector)
        return _line(seen[0], self._rendered(seen[1])) if seen else b""

    def _rendered(self, obj: Object) -> Object:
        rendered = self._render(obj, self._first)
        self._first = False
        return rendered


def visible(change: Change, namespace: str, selector: Selector) -> tuple[ChangeType, Object] | None:
    """What a change is to a client that sees only what its selector matches.

    An object that stops matching is DELETED, in its state before, at the change's version.
    https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/storage/cacher/cache_watcher.go
    """
    if namespace and namespace_of(change.object) != namespace:
        return None
    matched = change.previous is not None and selector.matches(change.previous)
    if change.type is ChangeType.DELETED:
        return (ChangeType.DELETED, change.object) if matched else None
    if selector.matches(change.object):
        return (ChangeType.MODIFIED if matched else ChangeType.ADDED), change.object
    if matched and change.previous is not None:
        before = clone(change.previous)
        meta(before)["resourceVersion"] = str(change.version)
        return ChangeType.DELETED, before
    return None


def _line(kind: str, obj: Object) -> bytes:
    return msgspec.json.encode({"type": str(kind), "object": obj}) + b"\n"
