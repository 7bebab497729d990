"""A deploy's log as it goes from the leading watcher through the ledger to whoever reads it. Values only."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class LogName(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which log: of a deploy's containers one after the other, or of one of them."""

    target: str
    number: int
    container: str = ""
    """"" for the init containers in their order, then the main container."""
    copy: str = ""
    """"" for the relayed log that all share; else of one reader, who needs what that one has dropped."""

    @property
    def deploy(self) -> str:
        return f"{self.target}/{self.number}"


class LogLine(msgspec.Struct, frozen=True, array_like=True):
    """One line, without its end."""

    at: int
    """When the container wrote it; nanoseconds since the epoch, by its node's clock."""
    nth: int
    """Its place among the lines of that very time, from 0."""
    text: str

    @property
    def id(self) -> str:
        return f"{self.at}-{self.nth}"


class LogPosition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a log was read from the cluster: whoever relays it next goes on from there."""

    created_at: int = 0
    """When the Pod was made, by the API server's clock (ms): Pods are read in this order."""
    pod: str = ""
    container: str = ""
    at: int = 0
    nth: int = -1
    """The last line of that container: see LogLine."""
    done: bool = False
    """That container's log was read to its end."""


class LogEnd(StrEnum):
    """Why no more of a log will come."""

    COMPLETE = "complete"  # that was all
    PARTIAL = "partial"  # its Pod was gone before its log had been read to the end
    GONE = "gone"  # nothing of it is in the cluster
    NO_CONTAINER = "no-container"  # none has that name
    FORBIDDEN = "forbidden"  # the watcher may not read logs
    BUSY = "busy"  # as many logs are relayed as may be

    @property
    def lasts(self) -> bool:
        """Another reader would get the same."""
        return self in (LogEnd.COMPLETE, LogEnd.PARTIAL)


class LogPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a relayed log: lines, or what else a reader should know. Stored as JSON in the ledger."""

    position: LogPosition = LogPosition()
    """After these lines."""
    lines: tuple[LogLine, ...] = ()
    containers: tuple[str, ...] = ()
    """Names to choose from, where the log of another container or Pod begins."""
    waits: str = ""
    """What is waited for, where nothing can be read yet."""
    current: bool = False
    """Everything that was written before this relay began has been relayed."""
    greets: str = ""
    """The reader who has just been heard of: what is before this part is not older than its request."""
    end: LogEnd | None = None
    why: str = ""


class LogRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody reads a log: sent when a reader comes, while it reads, and when it goes."""

    log: LogName
    reader: str
    read: int = 0
    """Bytes of the relayed log that it has read."""
    leaves: bool = False
