"""The verbs of one kind over HTTP: a request in, a response out.

The registry has the rules; this module only gives them their HTTP form.
"""

import asyncio
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from dispatcher.local.cluster.apimachinery import api_errors
from dispatcher.local.cluster.apimachinery.objects import Object, name_of, namespace_of, uid_of
from dispatcher.local.cluster.apimachinery.resources import PODS, QUOTAS, SERVICE_ACCOUNTS, Resource
from dispatcher.local.cluster.apiserver import requests
from dispatcher.local.cluster.apiserver.paging import Page, page
from dispatcher.local.cluster.apiserver.responses import json_response
from dispatcher.local.cluster.apiserver.table import table
from dispatcher.local.cluster.apiserver.watch import Watch
from dispatcher.local.cluster.registry.deletion import DeleteOptions, parse_options
from dispatcher.local.cluster.registry.registry import Registry

# Deleting one of these answers with the object instead of a Status, even if it is gone.
# `ReturnDeletedObject` in https://github.com/kubernetes/kubernetes/tree/master/pkg/registry/core
_RETURNED = (PODS, QUOTAS, SERVICE_ACCOUNTS)


def wants_table(request: Request) -> bool:
    return "as=Table" in request.headers.get("accept", "")


class Endpoints:
    """The collection and the objects of one kind. `closing` ends the watches."""

    def __init__(self, registry: Registry, resource: Resource, closing: asyncio.Event) -> None:
        self._registry = registry
        self._resource = resource
        self._closing = closing

    async def collection(self, request: Request) -> Response:
        match request.method:
            case "POST":
                return await self._create(request)
            case "DELETE":
                return await self._delete_collection(request)
            case _ if requests.is_true(request.query_params, "watch"):
                return self._watch(request)
            case _:
                return self._list(request)

    async def item(self, request: Request) -> Response:
        match request.method:
            case "DELETE":
                return await self._delete(request)
            case "PATCH" | "PUT":
                return await self._update(request)
            case _:
                return self._show(request, self._registry.get(*self._address(request)))

    async def item_status(self, request: Request) -> Response:
        """The status alone, to be read or written."""
        if request.method == "GET":
            return self._show(request, self._registry.get(*self._address(request)))
        change = await self._change(request)
        resource, namespace, name = self._address(request)
        wanted = change(self._registry.get(resource, namespace, name))
        new = self._registry.write_status(resource, namespace, name, wanted.get("status") or {})
        return json_response(new)

    def _namespace(self, request: Request) -> str:
        return str(request.path_params.get("namespace", ""))

    def _address(self, request: Request) -> tuple[Resource, str, str]:
        return self._resource, self._namespace(request), str(request.path_params["name"])

    def _show(self, request: Request, obj: Object, code: int = 200) -> Response:
        if wants_table(request):
            return json_response(self._table([obj]), code)
        return json_response(obj, code)

    def _table(
        self, objects: Sequence[Object], metadata: Object | None = None, *, header: bool = True
    ) -> Object:
        metadata = metadata or {"resourceVersion": str(self._registry.store.version)}
        return table(self._resource, objects, metadata, self._registry.clock(), header=header)

    def _list(self, request: Request) -> Response:
        query, store = request.query_params, self._registry.store
        asked = requests.number(query, "resourceVersion")
        if asked is not None and asked > store.version:
            raise api_errors.too_large_version(asked, store.version)
        options = requests.list_options(query, self._resource, self._namespace(request))
        found = page(store, self._resource, options)
        if wants_table(request):
            return json_response(self._table(found.objects, found.metadata))
        return json_response(self._as_list(found))

    def _as_list(self, found: Page) -> Object:
        """A list's items have no kind and apiVersion, as in a real cluster."""
        left_out = ("kind", "apiVersion")
        items = [
            {key: value for key, value in obj.items() if key not in left_out}
            for obj in found.objects
        ]
        return {
            "kind": f"{self._resource.kind}List",
            "apiVersion": self._resource.api_version,
            "metadata": found.metadata,
            "items": items,
        }

    def _watch(self, request: Request) -> Response:
        options = requests.watch_options(
            request.query_params, self._resource, self._namespace(request)
        )
        render = self._table_row if wants_table(request) else _as_is
        watch = Watch(self._registry.store, self._resource, options, render)
        return StreamingResponse(watch.lines(self._closing), media_type="application/json")

    def _table_row(self, obj: Object, first: bool) -> Object:
        """kubectl expects a header in the first table of a stream only."""
        if "creationTimestamp" in obj["metadata"] and obj["metadata"]["creationTimestamp"] is None:
            return obj
        return self._table([obj], header=first)

    async def _create(self, request: Request) -> Response:
        body = requests.decode(request.headers.get("content-type", ""), await request.body())
        dry_run = "dryRun" in request.query_params
        created = self._registry.create(
            self._resource, self._namespace(request), body, dry_run=dry_run
        )
        return self._show(request, created, 201)

    async def _change(self, request: Request) -> Callable[[Object], Object]:
        content_type = request.headers.get("content-type", "")
        body = await request.body()
        if request.method == "PATCH":
            return requests.patcher(content_type, body)
        new: Object = requests.decode(content_type, body)
        return lambda _: new

    async def _update(self, request: Request) -> Response:
        change = await self._change(request)
        dry_run = "dryRun" in request.query_params
        updated = self._registry.update(*self._address(request), change, dry_run=dry_run)
        return self._show(request, updated)

    async def _options(self, request: Request) -> DeleteOptions:
        body = requests.decode(request.headers.get("content-type", ""), await request.body())
        return parse_options(body, request.query_params)

    async def _delete(self, request: Request) -> Response:
        options = await self._options(request)
        resource, namespace, name = self._address(request)
        last, gone = self._registry.delete(resource, namespace, name, options)
        if gone and resource not in _RETURNED:
            return json_response(api_errors.success(resource, name, uid_of(last)))
        return json_response(last)

    async def _delete_collection(self, request: Request) -> Response:
        options = await self._options(request)
        selector = requests.selector(request.query_params, self._resource)
        namespace = self._namespace(request)
        deleted = [
            self._registry.delete(self._resource, namespace_of(obj), name_of(obj), options)[0]
            for obj in self._registry.find(self._resource, namespace, selector)
        ]
        return json_response(self._as_list(Page(deleted, self._registry.store.version)))


def _as_is(obj: Object, _first: bool) -> Object:
    return obj
