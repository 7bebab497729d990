"""Relays one log: reads it from the cluster, follows it to its end, and hands it to the writer part by part.

It goes on from a position after whatever happens: a connection that is lost, a container that is restarted, a
Pod that comes after this one, another watcher that leads. It waits for changes of Pods and of the deploy.
"""

from __future__ import annotations

import secrets
import threading
import time
from typing import Protocol

import structlog
from msgspec.structs import replace

from dispatcher.domain.deploy import Deploy
from dispatcher.domain.errors import (
    ClusterError,
    ClusterForbids,
    DispatcherError,
    LedgerUnavailable,
)
from dispatcher.domain.log import LogEnd, LogLine, LogPart, LogPosition
from workers.kube import labels
from workers.kube.client import NotThere, Stream
from workers.kube.objects import Pod
from workers.logs.lines import LineReader, since
from workers.logs.outlet import BATCH_LINES, Outlet
from workers.logs.sequence import Over, Read, Step, Wait, milliseconds, names, next_step

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between two attempts to read a log."""

log = structlog.get_logger()


class LogSource(Protocol):
    """What a relay needs of `workers.kube.client.Cluster`."""

    def pods(self, namespace: str, selector: str) -> list[Pod]: ...
    def log(
        self, namespace: str, pod: str, container: str, since: str, *, follow: bool = False
    ) -> Stream: ...


class DeploySource(Protocol):
    """What it needs of `dispatcher.ledger.Reader`."""

    def deploy(self, target: str, number: int) -> Deploy | None: ...


class Relay:
    """Start it, `look` when something has changed, stop it. A thread that has ended by itself `is_over`."""

    def __init__(
        self,
        outlet: Outlet,
        cluster: LogSource,
        deploys: DeploySource,
        instance: str,
        last: LogPart,
    ) -> None:
        """`last`: the newest part that was relayed of this log."""
        self.name, self.outlet = outlet.name, outlet
        self._cluster, self._deploys, self._instance = cluster, deploys, instance
        self._position, self._is_current = last.position, False
        self._is_whole = False
        """What was read of the container at the position had come to an end by itself."""
        self._unended: list[LogLine] = []
        """The last line, where the log ends without an end of the line."""
        self._waits = ""
        self._looks = threading.Condition()
        self._changes = 0
        self._stopped = threading.Event()
        self._stream: Stream | None = None
        self._pause = FIRST_PAUSE
        name = f"log-relay-{self.name.deploy}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """It ends soon after; its readers hear nothing of that."""
        self._stopped.set()
        self.outlet.close()
        self.look()
        if stream := self._stream:
            stream.shutdown()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def look(self) -> None:
        """A Pod, a Job or the deploy has changed."""
        with self._looks:
            self._changes += 1
            self._looks.notify_all()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                if self._advance():
                    return
            except ClusterForbids as no:
                self._end(LogEnd.FORBIDDEN, str(no))
                return
            except NotThere:  # its Pod was deleted: the list of Pods will say so
                self._sleep()
            except (ClusterError, LedgerUnavailable) as error:
                self._failed(error)

    def _advance(self) -> bool:
        """One step; whether it was the last."""
        seen = self._changes
        match self._next():
            case Read() as step:
                self._read(step)
                return False
            case Wait(why):
                self._wait(why, seen)
                return False
            case Over(end, why):
                self._flush()
                self._end(end, why)
                return True

    def _next(self) -> Step:
        name = self.name
        deploy = self._deploys.deploy(name.target, name.number)
        if deploy is None:
            return Over(LogEnd.GONE, f"{name.deploy} is not in the ledger any more")
        pods = self._pods(deploy) if deploy.job else []
        return next_step(
            pods,
            name.container,
            self._position,
            has_ended=deploy.terminal,
            is_whole=self._is_whole,
        )

    def _pods(self, deploy: Deploy) -> list[Pod]:
        selector = f"{labels.selector(self._instance)},{labels.JOB_NAME}={deploy.job}"
        return self._cluster.pods(deploy.namespace, selector)

    def _wait(self, why: str, seen: int, seconds: float | None = None) -> None:
        """Until something changes."""
        self._flush()
        if why != self._waits or not self._is_current:
            self._waits, self._is_current = why, True
            self._put(waits=why)
        with self._looks:
            self._looks.wait_for(lambda: self._changes != seen or self._stopped.is_set(), seconds)

    def _read(self, step: Read) -> None:
        seen = self._changes
        self._open(step)
        if step.is_final:
            self._pass(step, follow=False)
            self._flush()
            self._position = replace(self._position, done=True)
            return
        if not self._is_current:
            self._pass(step, follow=False)
            self._is_current = True
            self._put()
        began = time.monotonic()
        self._pass(step, follow=True)
        if time.monotonic() - began < 1.0:  # its status may not say yet that it has ended
            self._sleep(seen)
        else:
            self._pause = FIRST_PAUSE

    def _open(self, step: Read) -> None:
        """The log of another container or Pod begins."""
        at = self._position
        if (at.pod, at.container, at.done) == (step.pod.metadata.name, step.container, False):
            return
        self._flush()
        metadata = step.pod.metadata
        self._is_whole, self._waits = False, ""
        self._position = LogPosition(
            created_at=milliseconds(metadata.creation_timestamp),
            pod=metadata.name,
            container=step.container,
        )
        self._put(containers=names(step.pod))

    def _pass(self, step: Read, *, follow: bool) -> None:
        """Reads from the position to the end of an answer. Only that of a log that is followed, or of one that
        does not grow any more, is the end of the log."""
        metadata = step.pod.metadata
        lines = LineReader(self._position)
        self._stream = self._cluster.log(
            metadata.namespace,
            metadata.name,
            step.container,
            since(self._position),
            follow=follow,
        )
        self._is_whole, self._unended = False, []
        if self._stopped.is_set():
            self._stream.shutdown()
        for chunk in self._stream.to_the_end():
            self._relay(lines.take(chunk))
            if self._stopped.is_set():
                return
        if follow or step.is_final:
            self._is_whole, self._unended = True, lines.rest()

    def _relay(self, lines: list[LogLine]) -> None:
        for first in range(0, len(lines), BATCH_LINES):
            batch = tuple(lines[first : first + BATCH_LINES])
            self._position = replace(self._position, at=batch[-1].at, nth=batch[-1].nth)
            self._put(lines=batch)

    def _flush(self) -> None:
        """The log has ended: its last line needs no end."""
        lines, self._unended = self._unended, []
        self._relay(lines)

    def _failed(self, error: DispatcherError) -> None:
        log.warning("log cannot be read, trying again", deploy=self.name.deploy, why=str(error))
        if str(error) != self._waits:
            self._waits = str(error)
            self._put(waits=self._waits)
        self._sleep()

    def _sleep(self, seen: int | None = None) -> None:
        seconds = self._pause * (0.5 + secrets.randbelow(1000) / 1000)
        self._pause = min(LONGEST_PAUSE, self._pause * 2)
        with self._looks:
            before = self._changes if seen is None else seen
            self._looks.wait_for(lambda: self._changes != before or self._stopped.is_set(), seconds)

    def _end(self, end: LogEnd, why: str) -> None:
        self._put(end=end, why=why)
        self.outlet.close()

    def _put(
        self,
        lines: tuple[LogLine, ...] = (),
        containers: tuple[str, ...] = (),
        waits: str = "",
        end: LogEnd | None = None,
        why: str = "",
    ) -> None:
        self.outlet.put(
            LogPart(
                position=self._position,
                lines=lines,
                containers=containers,
                waits=waits,
                current=self._is_current,
                end=end,
                why=why,
            )
        )
