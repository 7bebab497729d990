"""The Pods' subresource `eviction`: a deletion with a `DisruptionTarget` condition.

There are no disruption budgets, so no eviction is refused.
https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
"""

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.local.cluster.apimachinery import api_errors
from dispatcher.local.cluster.apimachinery.conditions import set_condition
from dispatcher.local.cluster.apimachinery.objects import (
    Object,
    clone,
    is_terminal,
    timestamp,
    uid_of,
)
from dispatcher.local.cluster.apimachinery.resources import PODS
from dispatcher.local.cluster.apiserver import requests
from dispatcher.local.cluster.apiserver.responses import json_response
from dispatcher.local.cluster.registry.deletion import (
    DeleteOptions,
    check_preconditions,
    parse_options,
)
from dispatcher.local.cluster.registry.registry import Registry


class Evictions:
    """Takes evictions over HTTP."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def create(self, request: Request) -> Response:
        body = requests.decode(request.headers.get("content-type", ""), await request.body())
        options = parse_options(body.get("deleteOptions") or {}, {})
        namespace, name = request.path_params["namespace"], request.path_params["name"]
        pod = self._registry.get(PODS, namespace, name)
        if error := check_preconditions(PODS, pod, options.uid, options.version):
            raise error
        if not options.dry_run:
            self._evict(pod, namespace, name, options)
        return json_response(api_errors.success(PODS, name, uid_of(pod)) | {"code": 201}, 201)

    def _evict(self, pod: Object, namespace: str, name: str, options: DeleteOptions) -> None:
        if not is_terminal(pod):
            marked, moment = clone(pod), timestamp(self._registry.clock())
            said = ("EvictionByEvictionAPI", "Eviction API: evicting")
            set_condition(marked, "DisruptionTarget", *said, moment)
            self._registry.write(PODS, pod, marked)
        options = DeleteOptions(grace=options.grace, propagation=options.propagation)
        self._registry.delete(PODS, namespace, name, options)
