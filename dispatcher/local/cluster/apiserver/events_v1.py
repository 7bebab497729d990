"""Events in the API group `events.k8s.io/v1`: the same events under other field names, read-only.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.local.cluster.apimachinery.objects import Object
from dispatcher.local.cluster.apimachinery.resources import EVENTS
from dispatcher.local.cluster.apiserver import requests
from dispatcher.local.cluster.apiserver.paging import page
from dispatcher.local.cluster.apiserver.responses import json_response
from dispatcher.local.cluster.storage.store import Store

GROUP, VERSION = "events.k8s.io", "events.k8s.io/v1"

_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}


class EventsV1:
    """Lists of events."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self, request: Request) -> Response:
        namespace = str(request.path_params.get("namespace", ""))
        found = page(
            self._store, EVENTS, requests.list_options(request.query_params, EVENTS, namespace)
        )
        items = [renamed(each) for each in found.objects]
        listed = {"kind": "EventList", "apiVersion": VERSION, "metadata": found.metadata}
        return json_response(listed | {"items": items})


def renamed(event: Object) -> Object:
    """The event as the newer API has it."""
    new = {_NAMES.get(key, key): value for key, value in event.items()}
    return new | {"apiVersion": VERSION}
