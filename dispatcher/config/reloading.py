"""The configuration as it is now: read again when its files change; a broken one is refused and said once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import structlog

from dispatcher.config import Configuration, read_configuration
from dispatcher.domain.errors import ConfigError

Stat = tuple[int, int, int]
Signature = dict[Path, Stat]

log = structlog.get_logger()


def _anything(_: Configuration) -> None:
    pass


class Reloader:
    """Holds the last good configuration. The first one must be good: raises ConfigError."""

    def __init__(
        self,
        path: Path,
        environ: Mapping[str, str],
        accept: Callable[[Configuration], None] = _anything,
    ) -> None:
        """`accept` raises ConfigError where a process can't do with a configuration that is right by itself."""
        self._path, self._environ, self._accept = path, environ, accept
        self._refused: tuple[str, ...] = ()
        before = _signature(self._always())
        self.current = self._read()
        self._seen = {**_signature(self._files()), **before}

    def changed(self) -> bool:
        """Looks at the files; True if they have changed and `current` is another one now."""
        now = _signature(self._files())
        # A broken one may have needed nothing but a secret's file, which nobody has named to us yet.
        if now == self._seen and not self._refused:
            return False
        self._seen = now
        try:
            self.current = self._read()
        except ConfigError as error:
            self._refuse(error.mistakes)
            return False
        self._refused = ()
        # What it names for the first time is looked at after it was read; all else was before.
        self._seen = {**_signature(self._files()), **now}
        log.info("configuration read again", targets=len(self.current.targets))
        return True

    def _read(self) -> Configuration:
        configuration = read_configuration(self._path, self._environ)
        self._accept(configuration)
        return configuration

    def _refuse(self, mistakes: tuple[str, ...]) -> None:
        if mistakes != self._refused:
            log.error("configuration refused; the last good one stays", mistakes=mistakes)
        self._refused = mistakes

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
