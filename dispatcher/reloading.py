"""The configuration as it is now: read again when its files change; a broken one is refused and said once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import structlog

from dispatcher.config import read_configuration
from dispatcher.errors import ConfigError

Signature = tuple[tuple[str, int, int, int], ...]

log = structlog.get_logger()


class Reloader:
    """Holds the last good configuration. The first one must be good: raises ConfigError."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._path, self._environ = path, environ
        self.current = read_configuration(path, environ)
        self._seen = self._signature()

    def changed(self) -> bool:
        """Looks at the files; True if they have changed and `current` is another one now."""
        now = self._signature()
        if now == self._seen:
            return False
        self._seen = now
        try:
            self.current = read_configuration(self._path, self._environ)
        except ConfigError as error:
            log.error("configuration refused; the last good one stays", mistakes=error.mistakes)
            return False
        self._seen = self._signature()
        log.info("configuration read again", targets=len(self.current.targets))
        return True

    def _signature(self) -> Signature:
        return tuple(_stat(path) for path in sorted(set(self._files())))

    def _files(self) -> Iterator[Path]:
        yield self._path
        if self._path.is_dir():
            yield from self._path.glob("*.y*ml")
        yield from self.current.files


def _stat(path: Path) -> tuple[str, int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return str(path), 0, 0, 0
    return str(path), found.st_mtime_ns, found.st_ino, found.st_size
