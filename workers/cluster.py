"""The Kubernetes API as git-dispatcher uses it: the only import of the official client.

The client finds the server, signs in and keeps connections; its models stay out: requests are plain dicts
and answers raw bytes. Every call has a time-out and is sent once, and what the client raises leaves as one
of ours. A definite no is ClusterRefused; whatever may have happened nonetheless is ClusterUnavailable.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import structlog
import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from dispatcher.errors import ClusterError, ClusterForbids, ClusterRefused, ClusterUnavailable
from workers.objects import Job, JobList, Pod, PodList, RawList, Status

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 3.0
"""Both together stay below a worker's lease."""
LOG_LINES = 100
LOG_BYTES = 16_384
PAGE = 500
_PATHS = {"job": ("/apis/batch/v1", "jobs"), "pod": ("/api/v1", "pods")}
_AMBIGUOUS = frozenset({408, 429})

Kind = TypeVar("Kind")

log = structlog.get_logger()


class JobExists(ClusterRefused):
    """409: the name is taken, or the uid in the request is not that of the object that has the name."""


class NotThere(ClusterRefused):
    """404: the object, or its namespace, does not exist (any more)."""


class HistoryGone(ClusterRefused):
    """410: the resourceVersion is too old for a watch; list again."""


class Stream:
    """A watch that is open."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def chunks(self) -> Iterator[bytes]:
        """Bytes as they come, until the server ends it or somebody shuts it down."""
        try:
            with _translated("follow the watch"):
                yield from self._answer.stream(65_536)
        finally:
            self._answer.release_conn()

    def shutdown(self) -> None:
        """Ends it from another thread."""
        with suppress(ValueError, RuntimeError, OSError):  # it has ended by itself
            self._answer.shutdown()


@dataclass(frozen=True)
class Access:
    """Which cluster, with whose rights."""

    kubeconfig: str = ""
    """Path; "" for the account of the Pod that this runs in, or else the default kubeconfig."""
    context: str = ""


class Cluster:
    """One connection pool to one API server; threads may share it."""

    def __init__(self, access: Access) -> None:
        self._api = client.ApiClient(_configuration(access))

    def create_job(self, manifest: dict[str, Any]) -> Job:
        """Raises JobExists for a name that is taken."""
        name = manifest["metadata"]["name"]
        path = _path("job", manifest["metadata"]["namespace"])
        return _decoded(self._send(f"create Job {name}", "POST", path, body=manifest), Job)

    def job(self, namespace: str, name: str) -> Job:
        """Raises NotThere."""
        return _decoded(self._send(f"read Job {name}", "GET", _path("job", namespace, name)), Job)

    def delete_job(self, namespace: str, name: str, uid: str) -> bool:
        """Deletes exactly this Job, its Pods first; False if it is not there any more."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Foreground",
            "preconditions": {"uid": uid},
        }
        try:
            self._send(f"delete Job {name}", "DELETE", _path("job", namespace, name), body=options)
        except (NotThere, JobExists):  # gone, or another Job has its name by now
            return False
        return True

    def live_pods(self, namespace: str, selector: str) -> list[str]:
        """Names of the Pods that have not ended, from a quorum read that begins now."""
        found: list[Pod] = []
        position = ""
        while True:
            page = self.list_pods(namespace, selector, position)
            found += page.items
            position = page.metadata.continue_
            if not position:
                return [pod.metadata.name for pod in found if pod.live]

    def log_tail(self, namespace: str, pod: str, container: str) -> str:
        """The end of a container's log, bounded in lines and bytes. Raises NotThere."""
        query: dict[str, Any] = {"tailLines": LOG_LINES}
        if container:
            query["container"] = container
        path = f"{_path('pod', namespace, pod)}/log"
        raw = self._send(f"read the log of {pod}", "GET", path, query)
        return raw[-LOG_BYTES:].decode(errors="replace")

    def list_jobs(self, namespace: str, selector: str, position: str = "") -> JobList:
        """One page of the newest state (no resourceVersion); "" as namespace is all of them."""
        query = _page(selector, position)
        page = _decoded(self._send("list Jobs", "GET", _path("job", namespace), query), RawList)
        return JobList(page.metadata, _readable(page.items, Job))

    def list_pods(self, namespace: str, selector: str, position: str = "") -> PodList:
        """The same for Pods."""
        query = _page(selector, position)
        page = _decoded(self._send("list Pods", "GET", _path("pod", namespace), query), RawList)
        return PodList(page.metadata, _readable(page.items, Pod))

    def watch(self, kind: str, namespace: str, selector: str, since: str, seconds: int) -> Stream:
        """Opens a watch of `job` or `pod` from a resourceVersion, for so many seconds at most."""
        query = {
            "labelSelector": selector,
            "resourceVersion": since,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": seconds,
        }
        answer = self._open(f"watch {kind}s", "GET", _path(kind, namespace), query, None, seconds)
        return Stream(answer)

    def _send(
        self,
        what: str,
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        body: dict[str, Any] | None = None,
    ) -> bytes:
        answer = self._open(what, method, path, query, body, 0)
        with _translated(what):
            return bytes(answer.data)

    def _open(
        self,
        what: str,
        method: str,
        path: str,
        query: dict[str, Any] | None,
        body: dict[str, Any] | None,
        lasts: int,
    ) -> Any:
        with _translated(what):
            request = self._api.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params={"Accept": "application/json", "Content-Type": "application/json"},
                body=body,
                auth_settings=["BearerToken"],
            )
            answer = self._api.call_api(
                *request, _request_timeout=(CONNECT_SECONDS, ANSWER_SECONDS + lasts)
            ).response
            if not 200 <= answer.status < 300:
                raise _refusal(what, answer.status, answer.data)
        return answer


def _path(kind: str, namespace: str, name: str = "") -> str:
    group, plural = _PATHS[kind]
    place = f"/namespaces/{namespace}" if namespace else ""
    return f"{group}{place}/{plural}" + (f"/{name}" if name else "")


def _page(selector: str, position: str) -> dict[str, Any]:
    more = {"continue": position} if position else {}
    return {"labelSelector": selector, "limit": PAGE, **more}


def _configuration(access: Access) -> client.Configuration:
    """What the kubeconfig or the Pod's own account says; nothing is sent twice."""
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
    return settings


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except ApiException as error:
        raise ClusterUnavailable(f"could not {what}: {error.reason}") from error
    except urllib3.exceptions.HTTPError as error:
        kind = type(error).__name__
        raise ClusterUnavailable(f"could not {what}: no answer ({kind})") from error
    except OSError as error:
        raise ClusterUnavailable(f"could not {what}: {error}") from error


def _decoded(raw: bytes, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError as error:
        raise ClusterUnavailable(f"the API server's answer makes no sense: {error}") from error


def _readable(items: tuple[msgspec.Raw, ...], kind: type[Kind]) -> tuple[Kind, ...]:
    found = []
    for item in items:
        try:
            found.append(msgspec.json.decode(item, type=kind))
        except msgspec.MsgspecError as error:
            log.error(
                "an object that makes no sense is left out", kind=kind.__name__, why=str(error)
            )
    return tuple(found)


def _refusal(what: str, code: int, body: bytes) -> ClusterError:
    text = f"could not {what}: {_message(body)} ({code})"
    if code in _AMBIGUOUS or not 400 <= code < 500:
        return ClusterUnavailable(text)
    kind = {403: ClusterForbids, 404: NotThere, 409: JobExists, 410: HistoryGone}.get(
        code, ClusterRefused
    )
    return kind(text)


def _message(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=Status).message or "no reason given"
    except msgspec.MsgspecError:
        return "no reason given"
