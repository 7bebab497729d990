"""One container's process: started in a session of its own, its output read into a log.

The only place that starts and signals containers' processes. When the first process ends, the rest
of its group is killed, as all of a container's processes go with its first. Those that left the
group are found by the mark that their environment carries, once their Pod has ended.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from dispatcher.local.cluster.apimachinery.errors import LocalClusterError
from dispatcher.local.cluster.kubelet.guardian import MARK, Guardian, kill_group
from dispatcher.local.cluster.kubelet.logs import ContainerLog

_CHUNK = 64 * 1024


class StartError(LocalClusterError):
    """The process could not be started at all."""


class ContainerProcess:
    """A running process group. `wait` may be awaited once."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        output: int,
        log: ContainerLog,
        guard: Guardian,
    ) -> None:
        self._process = process
        self._log = log
        self._guard = guard
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._output = output
        os.set_blocking(self._output, False)
        self._loop.add_reader(self._output, self._read)
        self._watch_end()

    def signal(self, number: int) -> None:
        """Signals the whole group, unless its first process was already waited for."""
        if self._process.returncode is None:
            kill_group(self._process.pid, number)

    async def wait(self) -> int:
        """Waits for the end of the process and of its output; returns the shell's exit code."""
        await self._ended
        # The first process isn't reaped yet, so its group's number can't be anyone else's.
        kill_group(self._process.pid)
        code = self._process.wait()
        self._guard.forget(self._process.pid)
        self._drain()
        return 128 - code if code < 0 else code

    def _watch_end(self) -> None:
        if sys.platform != "linux":
            self._loop.run_in_executor(None, self._wait_in_thread)
            return
        pidfd = os.pidfd_open(self._process.pid)

        def ended() -> None:
            self._loop.remove_reader(pidfd)
            os.close(pidfd)
            self._end()

        self._loop.add_reader(pidfd, ended)

    def _wait_in_thread(self) -> None:
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    def _read(self) -> None:
        try:
            data = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return
        if data:
            self._log.append(data)
        else:
            self._loop.remove_reader(self._output)

    def _drain(self) -> None:
        """Reads what is left in the pipe and closes it, even if a process still holds its other end."""
        self._loop.remove_reader(self._output)
        with suppress(BlockingIOError):
            while data := os.read(self._output, _CHUNK):
                self._log.append(data)
        os.close(self._output)


def start(
    words: Sequence[str],
    directory: Path,
    variables: Mapping[str, str],
    log: ContainerLog,
    guard: Guardian,
    pod: Path,
) -> ContainerProcess:
    """Starts a container's process; `pod` is its Pod's directory. Raises `StartError`."""
    if not words:
        raise StartError("the local cluster pulls no images, so a container needs a `command`")
    output, inlet = os.pipe()
    try:
        process = subprocess.Popen(
            list(words),
            executable=_executable(words[0], directory, variables),
            cwd=directory,
            env={**variables, MARK: f"{pod}/"},
            stdin=subprocess.DEVNULL,
            stdout=inlet,
            stderr=inlet,
            start_new_session=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        os.close(output)
        raise StartError(_explain(words[0], directory, error)) from error
    finally:
        os.close(inlet)
    guard.watch(process.pid)
    return ContainerProcess(process, output, log, guard)


def _executable(word: str, directory: Path, variables: Mapping[str, str]) -> str:
    """Relative paths start at the working directory, bare names are looked up in PATH."""
    if "/" in word:
        return str(directory / word)
    for each in variables.get("PATH", os.defpath).split(os.pathsep):
        candidate = directory / each / word
        if os.access(candidate, os.X_OK) and not candidate.is_dir():
            return str(candidate)
    raise FileNotFoundError(2, "executable file not found in $PATH")


def _explain(word: str, directory: Path, error: Exception) -> str:
    if not directory.is_dir():
        return f"working directory {str(directory)!r}: no such directory on this host"
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"exec: {word!r}: {why}"
