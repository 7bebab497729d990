"""The HTTP wiring: routes, authentication, and how errors are answered.

https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

import asyncio
from collections.abc import Iterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dispatcher.local.cluster.apimachinery import api_errors
from dispatcher.local.cluster.apimachinery.objects import Object
from dispatcher.local.cluster.apimachinery.resources import PODS, RESOURCES, Resource
from dispatcher.local.cluster.apiserver import discovery, pod_logs, requests
from dispatcher.local.cluster.apiserver.credentials import Credentials
from dispatcher.local.cluster.apiserver.endpoints import Endpoints
from dispatcher.local.cluster.apiserver.events_v1 import EventsV1
from dispatcher.local.cluster.apiserver.evictions import Evictions
from dispatcher.local.cluster.apiserver.responses import json_response
from dispatcher.local.cluster.kubelet.kubelet import Kubelet
from dispatcher.local.cluster.registry.registry import Registry

# A real cluster answers these without a token, too.
# https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles
_OPEN_PATHS = ("/livez", "/readyz", "/healthz", "/version")

_POD = "/api/v1/namespaces/{namespace}/pods/{name}"
_COLLECTION = ["GET", "POST", "DELETE"]
_ITEM = ["GET", "PUT", "PATCH", "DELETE"]
_STATUS = ["GET", "PUT", "PATCH"]


class Authentication:
    """Refuses requests without the token."""

    def __init__(self, app: ASGIApp, credentials: Credentials) -> None:
        self._app = app
        self._credentials = credentials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_allowed(Request(scope)):
            refusal = json_response(api_errors.Unauthorized("Unauthorized").body(), 401)
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_allowed(self, request: Request) -> bool:
        header = request.headers.get("authorization", "")
        return request.url.path in _OPEN_PATHS or self._credentials.accepts(header)


class PodLogs:
    """The one subresource that isn't JSON."""

    def __init__(self, registry: Registry, kubelet: Kubelet) -> None:
        self._registry = registry
        self._kubelet = kubelet

    async def read(self, request: Request) -> Response:
        query, path = request.query_params, request.path_params
        options = requests.log_options(query)
        previous = requests.is_true(query, "previous")
        pod = self._registry.get(PODS, path["namespace"], path["name"])
        container = pod_logs.container_of(pod, query.get("container", ""))
        pod_logs.check_started(pod, container)
        pieces = self._kubelet.read_log(pod, container, options, previous)
        if pieces is None and previous:
            raise api_errors.BadRequest(
                f'previous terminated container "{container}" in pod "{path["name"]}" not found'
            )
        if pieces is None:
            return PlainTextResponse("")
        return StreamingResponse(pieces, media_type="text/plain")


def create_app(
    registry: Registry, kubelet: Kubelet, credentials: Credentials, closing: asyncio.Event
) -> Starlette:
    """The API as an ASGI application; `closing` ends watches."""
    logs, events_v1 = PodLogs(registry, kubelet), EventsV1(registry.store)

    async def compact(_: Request) -> Response:
        """Compacts the history, as etcd does every five minutes; a real API server has no such endpoint."""
        registry.store.compact()
        return json_response({"compacted": str(registry.store.version)})

    routes = [
        *_discovery_routes(),
        Route("/local/compact", compact, methods=["POST"]),
        Route(f"{_POD}/log", logs.read),
        Route(f"{_POD}/eviction", Evictions(registry).create, methods=["POST"]),
        Route("/apis/events.k8s.io/v1/events", events_v1.list),
        Route("/apis/events.k8s.io/v1/namespaces/{namespace}/events", events_v1.list),
    ]
    for resource in RESOURCES:
        routes += _resource_routes(resource, Endpoints(registry, resource, closing))
    return Starlette(
        routes=routes,
        middleware=[Middleware(Authentication, credentials=credentials)],
        exception_handlers={api_errors.ApiError: _api_error, HTTPException: _http_error},
    )


def _resource_routes(resource: Resource, endpoints: Endpoints) -> Iterator[Route]:
    every = f"{resource.root}/{resource.plural}"
    base = every
    if resource.namespaced:
        base = f"{resource.root}/namespaces/{{namespace}}/{resource.plural}"
        yield Route(every, endpoints.collection, methods=["GET"])
    yield Route(base, endpoints.collection, methods=_COLLECTION)
    yield Route(f"{base}/{{name}}", endpoints.item, methods=_ITEM)
    if resource.has_status:
        yield Route(f"{base}/{{name}}/status", endpoints.item_status, methods=_STATUS)


def _discovery_routes() -> Iterator[Route]:
    def fixed(path: str, content: Object) -> Route:
        async def answer(_: Request) -> Response:
            return json_response(content)

        return Route(path, answer)

    for path in ("/livez", "/readyz", "/healthz"):
        yield Route(path, _healthy)
    yield fixed("/version", discovery.VERSION)
    yield fixed("/api", discovery.core_versions())
    yield fixed("/apis", discovery.group_list())
    yield fixed("/openapi/v3", discovery.openapi_index())
    for resource in {each.root: each for each in RESOURCES}.values():
        yield fixed(resource.root, discovery.resource_list(resource.api_version))
        yield fixed(f"/openapi/v3{resource.root}", discovery.openapi_document(resource.root))
        if resource.group:
            yield fixed(f"/apis/{resource.group}", discovery.group(resource.group))
    for name in discovery.EXTRAS:
        yield fixed(f"/apis/{name}", discovery.group(name))
        yield fixed(f"/apis/{name}/v1", discovery.resource_list(f"{name}/v1"))


async def _healthy(_: Request) -> Response:
    return PlainTextResponse("ok")


async def _api_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, api_errors.ApiError):
        raise error
    return json_response(error.body(), error.code)


async def _http_error(request: Request, error: Exception) -> Response:
    """Paths and methods that are not served."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        refusal: api_errors.ApiError = api_errors.MethodNotAllowed(
            "the server does not allow this method on the requested resource"
        )
    else:
        refusal = api_errors.NotFound("the server could not find the requested resource")
    return json_response(refusal.body(), refusal.code)
