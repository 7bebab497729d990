"""Whether something has happened since one looked, by the API's stream of events."""

from __future__ import annotations

import threading
from types import TracebackType

from dispatcher.commands.client import Client, EventStream
from dispatcher.commands.exits import Exit, Failed

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
"""Seconds before a lost connection is made again; the pause doubles."""
PATIENCE = 2.0
"""Seconds that the end of the thread is waited for; one that is just connecting ends with the process."""


class Changes:
    """Reads the stream in a thread of its own. Use in a `with` block.

    Who waits looks once in a while by itself too: a server may refuse another reader, or lose events.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._changed, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="changes", daemon=True)
        self._stream: EventStream | None = None
        self.live = False
        """Whether the stream is being read."""

    def __enter__(self) -> Changes:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if stream := self._stream:
            stream.end()
        self._thread.join(PATIENCE)

    def wait(self, seconds: float) -> bool:
        """Whether something has changed, or may have, since the last call; returns as soon as it has."""
        changed = self._changed.wait(seconds)
        self._changed.clear()
        return changed

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._ended.is_set():
            try:
                pause = self._read(pause)
            except Failed as error:
                if error.code is not Exit.UNAVAILABLE:
                    return  # there is no stream for this caller: who waits looks by itself
            finally:
                self.live = False
            self._ended.wait(pause)
            pause = min(LONGEST_PAUSE, pause * 2)

    def _read(self, pause: float) -> float:
        """Reads until the connection ends. Returns the pause before the next."""
        with self._client.events() as self._stream:
            self.live, pause = True, FIRST_PAUSE
            self._changed.set()  # what happened while nobody read is seen by looking
            for _ in self._stream:
                self._changed.set()
                if self._ended.is_set():
                    break
        return pause
