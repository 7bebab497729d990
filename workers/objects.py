"""Jobs and Pods as far as git-dispatcher reads them, for fast decoding. Field names are the API's own."""

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


class JobStatus(_Object, frozen=True):
    conditions: tuple[Condition, ...] = ()


class Job(_Object, frozen=True):
    metadata: Metadata
    status: JobStatus = JobStatus()


class Waiting(_Object, frozen=True):
    reason: str = ""
    message: str = ""


class Terminated(_Object, frozen=True):
    exit_code: int = 0
    reason: str = ""
    message: str = ""


class ContainerState(_Object, frozen=True):
    waiting: Waiting | None = None
    running: dict[str, object] | None = None
    terminated: Terminated | None = None


class ContainerStatus(_Object, frozen=True):
    name: str
    state: ContainerState = ContainerState()


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

    @property
    def live(self) -> bool:
        """It is there and has not ended: its containers may run."""
        return self.status.phase not in ("Succeeded", "Failed")


class JobList(_Object, frozen=True):
    metadata: ListMetadata
    items: tuple[Job, ...] = ()


class PodList(_Object, frozen=True):
    metadata: ListMetadata
    items: tuple[Pod, ...] = ()


class RawList(_Object, frozen=True):
    """A list whose items are decoded one by one: an odd one must not hide the others."""

    metadata: ListMetadata
    items: tuple[msgspec.Raw, ...] = ()


class Status(_Object, frozen=True):
    """What the API server answers when it does not do what was asked."""

    message: str = ""
    reason: str = ""
    code: int = 0


class WatchEvent(_Object, frozen=True):
    type: str
    object: msgspec.Raw
