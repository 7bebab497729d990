"""The fields of Jobs and Pods that git-dispatcher reads, for fast decoding. Names are the API's."""

from __future__ import annotations

from datetime import datetime

import msgspec


class _Object(msgspec.Struct, frozen=True, rename="camel"):
    pass


class Metadata(_Object, frozen=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class ListMetadata(_Object, frozen=True):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class Condition(_Object, frozen=True):
    type: str
    status: str = ""
    reason: str = ""
    message: str = ""


class ContainerSpec(_Object, frozen=True):
    name: str = ""
    restart_policy: str = ""
    """ "Always" makes a native sidecar of an init container."""


class PodSpec(_Object, frozen=True):
    active_deadline_seconds: int | None = None
    restart_policy: str = ""
    init_containers: tuple[ContainerSpec, ...] = ()
    containers: tuple[ContainerSpec, ...] = ()


class PodTemplate(_Object, frozen=True):
    spec: PodSpec = PodSpec()


class JobSpec(_Object, frozen=True):
    active_deadline_seconds: int | None = None
    template: PodTemplate = PodTemplate()


class JobStatus(_Object, frozen=True):
    conditions: tuple[Condition, ...] = ()


class Job(_Object, frozen=True):
    metadata: Metadata
    status: JobStatus = JobStatus()
    spec: JobSpec = JobSpec()


class Waiting(_Object, frozen=True):
    reason: str = ""
    message: str = ""


class Terminated(_Object, frozen=True):
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ContainerState(_Object, frozen=True):
    waiting: Waiting | None = None
    running: dict[str, object] | None = None
    terminated: Terminated | None = None


class ContainerStatus(_Object, frozen=True):
    name: str
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()
    container_id: str = msgspec.field(default="", name="containerID")
    """Empty until the runtime was asked to create the container."""


class PodStatus(_Object, frozen=True):
    phase: str = ""
    reason: str = ""
    message: str = ""
    conditions: tuple[Condition, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()


class Pod(_Object, frozen=True):
    metadata: Metadata
    status: PodStatus = PodStatus()
    spec: PodSpec = PodSpec()

    @property
    def live(self) -> bool:
        """It has not ended: its containers may run."""
        return self.status.phase not in ("Succeeded", "Failed")


class EventSeries(_Object, frozen=True):
    last_observed_time: datetime | None = None


class Event(_Object, frozen=True):
    """An event of the cluster about an object."""

    type: str = ""
    """`Normal` or `Warning`."""
    reason: str = ""
    message: str = ""
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: EventSeries | None = None

    @property
    def last_seen_at(self) -> datetime | None:
        """When it occurred last; which of these fields is set depends on its reporter."""
        observed = self.series.last_observed_time if self.series else None
        return observed or self.last_timestamp or self.event_time or self.first_timestamp


class JobList(_Object, frozen=True):
    metadata: ListMetadata
    items: tuple[Job, ...] = ()


class PodList(_Object, frozen=True):
    metadata: ListMetadata
    items: tuple[Pod, ...] = ()


class RawList(_Object, frozen=True):
    """A list whose items are decoded one by one: one that cannot be decoded must not hide the others."""

    metadata: ListMetadata
    items: tuple[msgspec.Raw, ...] = ()


class Status(_Object, frozen=True):
    """The API server's answer to a request that failed."""

    message: str = ""
    reason: str = ""
    code: int = 0


class WatchEvent(_Object, frozen=True):
    type: str
    object: msgspec.Raw
