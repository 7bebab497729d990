"""The kinds that are served, as data.

Routes, discovery and error messages are all made from this table, so that a kind is added in one
place. It must not know how a kind behaves.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind, with the names under which the API knows it."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    has_status: bool = False
    # What it can be selected by besides its name and namespace.
    fields: tuple[str, ...] = ()
    # Whether `kubectl get all` shows it.
    in_all: bool = False

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """The URL path under which the group is served."""
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"

    @property
    def qualified(self) -> str:
        """The name in messages: `jobs.batch`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


_POD_FIELDS = (
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "status.phase",
    "status.podIP",
)

_EVENT_FIELDS = (
    "involvedObject.apiVersion",
    "involvedObject.fieldPath",
    "involvedObject.kind",
    "involvedObject.name",
    "involvedObject.namespace",
    "involvedObject.resourceVersion",
    "involvedObject.uid",
    "reason",
    "reportingComponent",
    "source",
    "type",
)

NAMESPACES = Resource(
    "", "v1", "namespaces", "Namespace", False, ("ns",), has_status=True, fields=("status.phase",)
)
PODS = Resource(
    "", "v1", "pods", "Pod", short_names=("po",), has_status=True, fields=_POD_FIELDS, in_all=True
)
SECRETS = Resource("", "v1", "secrets", "Secret", fields=("type",))
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", short_names=("cm",))
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount", short_names=("sa",))
JOBS = Resource(
    "batch", "v1", "jobs", "Job", has_status=True, fields=("status.successful",), in_all=True
)

NODES = Resource(
    "", "v1", "nodes", "Node", False, ("no",), has_status=True, fields=("spec.unschedulable",)
)
QUOTAS = Resource(
    "", "v1", "resourcequotas", "ResourceQuota", short_names=("quota",), has_status=True
)
EVENTS = Resource("", "v1", "events", "Event", short_names=("ev",), fields=_EVENT_FIELDS)

RESOURCES = (
    NAMESPACES, NODES, PODS, SECRETS, CONFIG_MAPS, SERVICE_ACCOUNTS, QUOTAS, EVENTS, JOBS
)  # fmt: skip
NAMESPACED = tuple(resource for resource in RESOURCES if resource.namespaced)
