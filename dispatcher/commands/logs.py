"""`git-dispatcher logs`: a deploy's log, live too. A lost connection is made again behind the last line."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import typer

from dispatcher.commands.client import Client
from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.formatting import log_line, plain
from dispatcher.commands.options import Api, DeployName, split_name, spread
from dispatcher.http.api.schemas.logs import (
    EVENTS,
    EndData,
    GapData,
    LineData,
    LogData,
    OpenedData,
    WaitingData,
)

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds before a lost connection is made again; the pause doubles."""
_TYPES: dict[str, Any] = {name: kind for kind, name in EVENTS.items()}


@spread
def logs(
    deploy: DeployName,
    api: Api,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the log has ended.")
    ] = False,
    container: Annotated[
        str | None, typer.Option("--container", "-c", help="Only of this one, like clone.")
    ] = None,
    timestamps: Annotated[
        bool, typer.Option("--timestamps", help="With the time in front of each line.")
    ] = False,
) -> None:
    """Prints a deploy's log, live where it runs."""
    target, number = split_name(deploy)
    query = {"container": container, "follow": "true" if follow else "false"}
    console = api.console()
    printer = Printer(
        timestamps, api.as_data, console.is_terminal, console.is_terminal and not console.no_color
    )
    with api.client() as client:
        reading = LogStream(client, target, number, query)
        try:
            reading.read(printer.print, follow=follow, sleep=time.sleep)
        except KeyboardInterrupt:
            return
        except BrokenPipeError:  # as with `| head`: nobody reads on
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@dataclass(frozen=True)
class Printer:
    """Lines go to standard output, all else to standard error."""

    timestamps: bool = False
    as_data: bool = False
    is_safe: bool = False
    """A terminal gets no control sequences; a file or a pipe gets what the container wrote."""
    colour: bool = False

    def print(self, data: LogData) -> None:
        if self.as_data:
            event = {"event": EVENTS[type(data)], **msgspec.structs.asdict(data)}
            print(msgspec.json.encode(event).decode(), flush=True)
        elif isinstance(data, LineData):
            text = log_line(data.text, colour=self.colour) if self.is_safe else data.text
            stamp = f"{data.at} " if self.timestamps and data.at else ""
            print(f"{stamp}{text}", flush=True)
        elif remark := _remark(data):
            typer.echo(f"[{plain(remark)}]", err=True)


def _remark(data: LogData) -> str:
    match data:
        case OpenedData(pod=pod, container=container):
            return f"container {container} of {pod}"
        case WaitingData(why=why):
            return f"waiting: {why}"
        case GapData(lines=lines):
            return f"{lines} lines were dropped, since they were not read in time"
        case EndData(end="partial" | "tail" | "gone", why=why, log_url=url):
            return f"{why}; the log is kept at {url}" if url else why
    return ""


class LogStream:
    """Reads a log to its end. Raises Failed."""

    def __init__(
        self, client: Client, target: str, number: int, query: dict[str, str | None]
    ) -> None:
        self._client, self._deploy, self._query = client, (target, number), query
        self._last = ""
        """Id of the last line."""
        self._has_ended = False

    def read(
        self,
        emit: Callable[[LogData], None],
        *,
        follow: bool,
        sleep: Callable[[float], None],
    ) -> None:
        """With `follow`, waits for a server that is away, and goes on behind the last line."""
        pause, said = FIRST_PAUSE, ""
        while not self._has_ended:
            before = self._last
            try:
                self._read_once(emit)
                why = "the connection was lost"
            except Failed as error:
                if not follow or error.code is not Exit.UNAVAILABLE:
                    raise
                why = str(error)
            if self._has_ended:
                return
            if not follow:
                raise Failed(Exit.UNAVAILABLE, "the connection was lost before the log had ended")
            pause = FIRST_PAUSE if self._last != before else pause
            if why != said:
                emit(WaitingData(why=f"{why}; trying again"))
            said = why
            sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)

    def _read_once(self, emit: Callable[[LogData], None]) -> None:
        with self._client.log(*self._deploy, self._query, self._last) as chunks:
            for id, data in parse(chunks):
                self._last = id or self._last
                self._has_ended = self._has_ended or isinstance(data, EndData)
                emit(data)


def parse(chunks: Iterable[bytes]) -> Iterator[tuple[str, LogData]]:
    """Server-sent events as web writes them: lines that end with LF, one `data` each. Raises
    msgspec.DecodeError."""
    rest, fields = b"", dict[bytes, bytes]()
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            name, _, value = line.partition(b": ")
            if line:
                fields[name] = value
                continue
            kind = _TYPES.get(fields.get(b"event", b"").decode())
            if kind:
                yield (
                    fields.get(b"id", b"").decode(),
                    msgspec.json.decode(fields[b"data"], type=kind),
                )
            fields = {}
