"""The local cluster as a process, started and ended by a test."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

READY = "local cluster ready: "


@dataclass(frozen=True)
class LocalProcess:
    """A running local cluster."""

    process: subprocess.Popen[str]
    url: str
    kubeconfig: Path

    @property
    def directory(self) -> Path:
        """Its state directory, for the next start."""
        return self.kubeconfig.parent

    def kill(self) -> None:
        """SIGKILL; what it has started goes with it, at the latest before its next start."""
        self.process.kill()
        self.process.wait(timeout=10)

    def stop(self) -> int:
        """Asks it to end; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)


@contextmanager
def local_cluster(directory: Path, *options: str) -> Iterator[LocalProcess]:
    """Starts a local cluster and waits until it listens."""
    command = [sys.executable, "-m", "dispatcher.local.cluster", "--state-dir", str(directory)]
    process = subprocess.Popen(
        [*command, "--parent-death-signal", *options], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.startswith(READY), f"the local cluster said {line!r}"
        url, kubeconfig = line.removeprefix(READY).split(" kubeconfig=")
        yield LocalProcess(process, url, Path(kubeconfig))
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
