"""The configuration as it is now: read again when its files change; a broken one is refused and said once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import structlog

from dispatcher.config import read_configuration
from dispatcher.errors import ConfigError

Stat = tuple[int, int, int]
Signature = dict[Path, Stat]

log = structlog.get_logger()


class Reloader:
    """Holds the last good configuration. The first one must be good: raises ConfigError."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._path, self._environ = path, environ
        before = _signature(self._always())
        self.current = read_configuration(path, environ)
        self._seen = {**_signature(self._files()), **before}

    def changed(self) -> bool:
        """Looks at the files; True if they have changed and `current` is another one now."""
        now = _signature(self._files())
        if now == self._seen:
            return False
        self._seen = now
        try:
            self.current = read_configuration(self._path, self._environ)
        except ConfigError as error:
            log.error("configuration refused; the last good one stays", mistakes=error.mistakes)
            return False
        # What it names for the first time is looked at after it was read; all else was before.
        self._seen = {**_signature(self._files()), **now}
        log.info("configuration read again", targets=len(self.current.targets))
        return True

    def _files(self) -> Iterator[Path]:
        yield from self._always()
        yield from self.current.files

    def _always(self) -> Iterator[Path]:
        yield self._path
        if self._path.is_dir():
            yield from self._path.glob("*.y*ml")


def _signature(paths: Iterable[Path]) -> Signature:
    return {path: _stat(path) for path in paths}


def _stat(path: Path) -> Stat:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_ino, found.st_size
