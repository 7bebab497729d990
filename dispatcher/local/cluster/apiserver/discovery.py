"""Discovery: which kinds are served. Pure: computed from the table of resources.

https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from dispatcher.local.cluster.apimachinery.objects import Object
from dispatcher.local.cluster.apimachinery.resources import PODS, RESOURCES, Resource

# The oldest release whose behaviour is followed in every respect.
VERSION = {
    "major": "1",
    "minor": "31",
    "gitVersion": "v1.31.0+git-dispatcher-local",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "",
}

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


# Groups in which no kind is stored: evictions are a subresource of Pods, and Events have two names.
EXTRAS: dict[str, list[Object]] = {
    "events.k8s.io": [
        {
            "name": "events",
            "singularName": "event",
            "namespaced": True,
            "kind": "Event",
            "verbs": ["list"],
        }
    ],
    "policy": [],
}


def core_versions() -> Object:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def group_list() -> Object:
    names = sorted({each.group for each in RESOURCES if each.group})
    groups = [_group(each) for each in [*names, *EXTRAS]]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(name: str) -> Object:
    return {"kind": "APIGroup", "apiVersion": "v1"} | _group(name)


def _group(name: str) -> Object:
    version = next((each.version for each in RESOURCES if each.group == name), "v1")
    entry = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [entry], "preferredVersion": entry}


def resource_list(api_version: str) -> Object:
    """All that is served under one `group/version`."""
    entries = [
        entry
        for resource in RESOURCES
        if resource.api_version == api_version
        for entry in _entries(resource)
    ]
    entries += EXTRAS.get(api_version.partition("/")[0], [])
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": api_version,
        "resources": entries,
    }


def _entries(resource: Resource) -> list[Object]:
    common: Object = {
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": resource.kind,
    }
    main = common | {
        "name": resource.plural,
        "singularName": resource.kind.lower(),
        "verbs": _VERBS,
        "shortNames": list(resource.short_names),
        "categories": ["all"] if resource.in_all else [],
    }
    entries = [main]
    if resource.has_status:
        verbs = ["get", "patch", "update"]
        entries.append(common | {"name": f"{resource.plural}/status", "verbs": verbs})
    if resource == PODS:
        entries.append(common | {"name": "pods/log", "verbs": ["get"]})
        eviction = {"group": "policy", "version": "v1", "kind": "Eviction", "verbs": ["create"]}
        entries.append(common | {"name": "pods/eviction"} | eviction)
    return entries


def openapi_index() -> Object:
    """The documents that `openapi_document` has, by the path that kubectl looks for."""
    roots = sorted({each.root.removeprefix("/") for each in RESOURCES})
    return {
        "paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}"} for root in roots},
    }


def openapi_document(root: str) -> Object:
    """Just enough OpenAPI for kubectl to leave validation to the server.

    It looks for the parameter `fieldValidation` of a kind's PATCH, and for nothing else:
    https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/cli-runtime/pkg/resource/query_param_verifier_v3.go
    """
    parameter = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}
    paths: Object = {}
    for resource in RESOURCES:
        if resource.root != root:
            continue
        kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        paths[f"{root}/{resource.plural}/{{name}}"] = {
            "patch": {
                "parameters": [parameter],
                "responses": {},
                "x-kubernetes-group-version-kind": kind,
            }
        }
    info = {"title": "git-dispatcher local cluster", "version": VERSION["gitVersion"]}
    return {"openapi": "3.0.0", "info": info, "paths": paths}
