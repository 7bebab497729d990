"""The Kubernetes API as git-dispatcher uses it: the only import of the official client.

The client finds the server, signs in and keeps connections; its models stay out: requests are plain dicts
and answers raw bytes. Every call has a time-out and is sent once, and what the client raises leaves as one
of ours: ClusterRefused for a definite no, ClusterUnavailable if the request may have been carried out.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

import msgspec
import structlog
import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.utils.keepalive import tcp_keepalive_socket_options

from dispatcher.domain.errors import ClusterError, ClusterUnavailable
from workers.kube.circuit_breaker import CircuitBreaker
from workers.kube.errors import HistoryGone, JobExists, NotThere, refusal
from workers.kube.objects import Event, Job, JobList, ListMetadata, Pod, PodList, RawList

__all__ = ["Access", "Cluster", "HistoryGone", "JobExists", "NotThere", "Stream", "Timeouts"]

LOG_LINES = 100
LOG_BYTES = 16_384
PAGE = 500
_NEVER_SENT = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
"""There was no connection that a request could have gone through."""
_PATHS = {
    "job": ("/apis/batch/v1", "jobs"),
    "pod": ("/api/v1", "pods"),
    "event": ("/api/v1", "events"),
}

_VERBS = {"POST": "create", "DELETE": "delete"}
NO_ANSWER = "none"

Requested: TypeAlias = Callable[[str, str, str, float], None]
"""Takes the verb, the resource, the status (NO_ANSWER without one), and the seconds until the answer began."""

Kind = TypeVar("Kind")
Listable = TypeVar("Listable", covariant=True)

log = structlog.get_logger()


class Stream:
    """An open watch, or a log that is followed."""

    def __init__(self, answer: Any, what: str = "follow the watch") -> None:
        self._answer, self._what = answer, what

    def chunks(self) -> Iterator[bytes]:
        """Bytes as they arrive, until the server ends the watch, sends nothing for too long, or `shutdown`."""
        with _translated(self._what), suppress(urllib3.exceptions.ReadTimeoutError):
            yield from self._answered()

    def to_the_end(self) -> Iterator[bytes]:
        """The same; raises ClusterUnavailable where it is not the server that ends it."""
        with _translated(self._what):
            yield from self._answered()

    def _answered(self) -> Iterator[bytes]:
        try:
            yield from self._answer.stream(65_536)
        finally:
            self._answer.release_conn()

    def shutdown(self) -> None:
        """Ends the watch from another thread."""
        with suppress(ValueError, RuntimeError, OSError):  # it has ended by itself
            self._answer.shutdown()


@dataclass(frozen=True)
class Access:
    """Which cluster, with which credentials."""

    kubeconfig: str = ""
    """Path; "" for the service account of this process' Pod, or else the default kubeconfig."""
    context: str = ""


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds that a call waits for the API server: to connect, then for each piece of its answer."""

    connection: float = 2.0
    answer: float = 3.0
    """With `connection`, no more than `LONGEST_CALL`: a worker's lease has to outlast it."""
    list: float = 15.0
    """For a reflector, which delays nobody: a server under load takes long for a list."""
    watch: float = 75.0
    """A server sends a bookmark every minute; if none comes, the connection may be dead."""
    log: float = 300.0
    """For a log that is followed: if nothing comes for so long, it is opened again."""


class Cluster:
    """One connection pool to one API server; threads may share it."""

    def __init__(
        self,
        access: Access,
        timeouts: Timeouts | None = None,
        requested: Requested = lambda *_: None,
    ) -> None:
        """`requested` is called after each request."""
        self._requested = requested
        self._api = client.ApiClient(_configuration(access))
        self._timeouts = timeouts or Timeouts()
        self._circuit_breaker = CircuitBreaker()

    def open_circuits(self) -> list[str]:
        """Namespaces that are left alone for a moment, since they did not answer; "" for the API server."""
        return self._circuit_breaker.open_now()

    def create_job(self, manifest: dict[str, Any]) -> Job:
        """Raises JobExists for a name that is taken."""
        name = manifest["metadata"]["name"]
        path = _path("job", manifest["metadata"]["namespace"])
        return _decoded(self._send(f"create Job {name}", "POST", path, body=manifest), Job)

    def job(self, namespace: str, name: str) -> Job:
        """Raises NotThere."""
        return _decoded(self._send(f"read Job {name}", "GET", _path("job", namespace, name)), Job)

    def delete_job(self, namespace: str, name: str, uid: str) -> bool:
        """Deletes exactly this Job, its Pods first; False if it no longer exists."""
        return self._delete("job", namespace, name, uid, "Foreground")

    def delete_pod(self, namespace: str, name: str, uid: str) -> bool:
        """Deletes exactly this Pod; False if it no longer exists."""
        return self._delete("pod", namespace, name, uid, "Background")

    def _delete(self, kind: str, namespace: str, name: str, uid: str, policy: str) -> bool:
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": policy,
            "preconditions": {"uid": uid},
        }
        what = f"delete {kind.capitalize()} {name}"
        try:
            self._send(what, "DELETE", _path(kind, namespace, name), body=options)
        except (NotThere, JobExists):  # gone, or another object has its name
            return False
        return True

    def jobs(self, namespace: str, selector: str) -> list[Job]:
        """The Jobs of all pages, from a quorum read that begins now."""
        return _all(lambda position: self.list_jobs(namespace, selector, position))

    def pods(self, namespace: str, selector: str) -> list[Pod]:
        """The same for Pods."""
        return _all(lambda position: self.page_of_pods(namespace, selector, position))

    def page_of_pods(self, namespace: str, selector: str, position: str = "") -> PodList:
        """One page of the newest state, with the time-out for callers that hold a lease."""
        page = self._list("pod", namespace, _page(selector, position), self._timeouts.answer)
        return PodList(page.metadata, _readable(page.items, Pod))

    def events(self, namespace: str, uid: str) -> list[Event]:
        """The latest events of one object; no more than one page."""
        query = {"fieldSelector": f"involvedObject.uid={uid}", "limit": PAGE}
        page = self._list("event", namespace, query, self._timeouts.answer)
        return list(_readable(page.items, Event))

    def log_tail(self, namespace: str, pod: str, container: str) -> str:
        """The end of a container's log, bounded in lines and bytes. Raises NotThere."""
        query: dict[str, Any] = {"tailLines": LOG_LINES}
        if container:
            query["container"] = container
        path = f"{_path('pod', namespace, pod)}/log"
        raw = self._send(f"read the log of {pod}", "GET", path, query)
        return raw[-LOG_BYTES:].decode(errors="replace")

    def log(
        self, namespace: str, pod: str, container: str, since: str, *, follow: bool = False
    ) -> Stream:
        """A container's log with the time of each line, since a time in whole seconds ("" for its beginning);
        with `follow` until the container ends. Raises NotThere."""
        query = {"container": container, "timestamps": "true"}
        query |= {"sinceTime": since} if since else {}
        query |= {"follow": "true"} if follow else {}
        what, path = f"read the log of {pod}", f"{_path('pod', namespace, pod)}/log"
        timeout = self._timeouts.log if follow else self._timeouts.list
        return Stream(self._open(what, "GET", path, query, None, timeout), what)

    def list_jobs(self, namespace: str, selector: str, position: str = "") -> JobList:
        """One page of the newest state (no resourceVersion); "" as namespace is all namespaces."""
        page = self._list("job", namespace, _page(selector, position), self._timeouts.list)
        return JobList(page.metadata, _readable(page.items, Job))

    def list_pods(self, namespace: str, selector: str, position: str = "") -> PodList:
        """The same for Pods."""
        page = self._list("pod", namespace, _page(selector, position), self._timeouts.list)
        return PodList(page.metadata, _readable(page.items, Pod))

    def watch(self, kind: str, namespace: str, selector: str, since: str, seconds: int) -> Stream:
        """Opens a watch of `job` or `pod` from a resourceVersion, for at most so many seconds."""
        query = {
            "labelSelector": selector,
            "resourceVersion": since,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": seconds,
        }
        path, timeout = _path(kind, namespace), self._timeouts.watch
        return Stream(self._open(f"watch {kind}s", "GET", path, query, None, timeout))

    def _list(self, kind: str, namespace: str, query: dict[str, Any], timeout: float) -> RawList:
        path = _path(kind, namespace)
        raw = self._send(f"list {kind.capitalize()}s", "GET", path, query, timeout=timeout)
        return _decoded(raw, RawList)

    def _send(
        self,
        what: str,
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        body: dict[str, Any] | None = None,
        timeout: float = 0.0,
    ) -> bytes:
        with self._circuit_breaker.guard(what, path) if not timeout else nullcontext():
            answer = self._open(what, method, path, query, body, timeout or self._timeouts.answer)
            with _translated(what):
                return bytes(answer.data)

    def _open(
        self,
        what: str,
        method: str,
        path: str,
        query: dict[str, Any] | None,
        body: dict[str, Any] | None,
        timeout: float,
    ) -> Any:
        with self._observed(method, path, query) as request_, _translated(what):
            request = self._api.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params={"Accept": "application/json", "Content-Type": "application/json"},
                body=body,
                auth_settings=["BearerToken"],
            )
            answer = self._api.call_api(
                *request, _request_timeout=(self._timeouts.connection, timeout)
            ).response
            request_.code = str(answer.status)
            if not 200 <= answer.status < 300:
                raise refusal(what, answer.status, answer.headers, answer.data)
        return answer

    @contextmanager
    def _observed(self, method: str, path: str, query: dict[str, Any] | None) -> Iterator[_Request]:
        request, begun = _Request(), time.perf_counter()
        try:
            yield request
        finally:
            seconds = time.perf_counter() - begun
            self._requested(*_called(method, path, query or {}), request.code, seconds)


@dataclass
class _Request:
    code: str = NO_ANSWER


def _called(method: str, path: str, query: dict[str, Any]) -> tuple[str, str]:
    """Verb and resource, in Kubernetes' own words.

    https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
    """
    parts = path.split("/")
    at = parts.index("namespaces") + 2 if "namespaces" in parts else len(parts) - 1
    resource, is_one = parts[at], len(parts) > at + 1
    if method != "GET":
        return _VERBS[method], resource
    if path.endswith("/log"):
        return "get", f"{resource}/log"
    return ("get" if is_one else "watch" if "watch" in query else "list"), resource


class _Page(Protocol[Listable]):
    @property
    def metadata(self) -> ListMetadata: ...
    @property
    def items(self) -> tuple[Listable, ...]: ...


def _all(page_at: Callable[[str], _Page[Listable]]) -> list[Listable]:
    """The items of all pages, one after the other."""
    found: list[Listable] = []
    position = ""
    while True:
        page = page_at(position)
        found += page.items
        position = page.metadata.continue_
        if not position:
            return found


def _path(kind: str, namespace: str, name: str = "") -> str:
    group, plural = _PATHS[kind]
    scope = f"/namespaces/{namespace}" if namespace else ""
    return f"{group}{scope}/{plural}" + (f"/{name}" if name else "")


def _page(selector: str, position: str) -> dict[str, Any]:
    more = {"continue": position} if position else {}
    return {"labelSelector": selector, "limit": PAGE, **more}


def _configuration(access: Access) -> client.Configuration:
    """From the kubeconfig or the Pod's service account. The client never repeats a request."""
    settings = client.Configuration()
    try:
        if access.kubeconfig or "KUBERNETES_SERVICE_HOST" not in os.environ:
            config.load_kube_config(  # type: ignore[no-untyped-call]
                access.kubeconfig or None, access.context or None, client_configuration=settings
            )
        else:
            config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]
    except (config.ConfigException, OSError) as error:
        raise ClusterError(f"no access to a cluster: {error}; set KUBECONFIG") from error
    settings.retries = urllib3.Retry(0, redirect=0, raise_on_redirect=False)
    # Notices within half a minute that the server is gone, on an open watch too.
    settings.socket_options = tcp_keepalive_socket_options(idle=15, interval=5, count=3)
    return settings


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except ApiException as error:
        raise ClusterUnavailable(f"could not {what}: {error.reason}") from error
    except urllib3.exceptions.HTTPError as error:
        cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
        text = f"could not {what}: no answer ({type(cause).__name__})"
        sent = not isinstance(cause, _NEVER_SENT)
        raise ClusterUnavailable(text, sent=sent) from error
    except OSError as error:
        raise ClusterUnavailable(f"could not {what}: {error}") from error


def _decoded(raw: bytes, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError as error:
        raise ClusterUnavailable(f"the API server's answer cannot be decoded: {error}") from error


def _readable(items: tuple[msgspec.Raw, ...], kind: type[Kind]) -> tuple[Kind, ...]:
    found = []
    for item in items:
        try:
            found.append(msgspec.json.decode(item, type=kind))
        except msgspec.MsgspecError as error:
            log.error(
                "object cannot be decoded and is left out", kind=kind.__name__, why=str(error)
            )
    return tuple(found)
