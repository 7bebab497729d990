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


NAMESPACES = Resource("", "v1", "namespaces", "Namespace", False, ("ns",), has_status=True)
PODS = Resource("", "v1", "pods", "Pod", short_names=("po",), has_status=True)
SECRETS = Resource("", "v1", "secrets", "Secret")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", short_names=("cm",))
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount", short_names=("sa",))
JOBS = Resource("batch", "v1", "jobs", "Job", has_status=True)

RESOURCES = (NAMESPACES, PODS, SECRETS, CONFIG_MAPS, SERVICE_ACCOUNTS, JOBS)
NAMESPACED = tuple(resource for resource in RESOURCES if resource.namespaced)
