"""Reloads the configuration when its files change. Refuses a broken one, and logs that once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import structlog

from dispatcher.config import Configuration, configuration_digest, read_configuration
from dispatcher.domain.errors import ConfigError
from dispatcher.domain.process import LoadedConfiguration

Stat = tuple[int, int, int]
Signature = dict[Path, Stat]

SHOWN, LENGTH = 5, 300
"""Most mistakes that `loaded` has of a refused configuration, and characters of each."""

log = structlog.get_logger()


def _anything(_: Configuration) -> None:
    pass


class Reloader:
    """Holds the last good configuration. Raises ConfigError if the first one is not."""

    def __init__(
        self,
        path: Path,
        environ: Mapping[str, str],
        accept: Callable[[Configuration], None] = _anything,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`accept` raises ConfigError for a valid configuration that this process cannot use."""
        self._path, self._environ, self._accept = path, environ, accept
        self._clock = clock
        self._refused: tuple[str, ...] = ()
        self._refused_at = 0.0
        before = _signature(self._always())
        self.current = self._read()
        self._seen = {**_signature(self._files()), **before}

    def changed(self) -> bool:
        """Checks the files; True if they changed and `current` is a new configuration."""
        now = _signature(self._files())
        # A refused configuration may lack only a secret's file, whose name it has not told us yet.
        if now == self._seen and not self._refused:
            return False
        self._seen = now
        try:
            self.current = self._read()
        except ConfigError as error:
            self._refuse(error.mistakes)
            return False
        self._refused = ()
        # Files that it names for the first time get their signature after the read, all others before.
        self._seen = {**_signature(self._files()), **now}
        log.info("configuration reloaded", targets=len(self.current.targets))
        return True

    def loaded(self) -> LoadedConfiguration:
        """Which configuration `current` is, and what is wrong with what the files say now."""
        now = self._clock()
        return LoadedConfiguration(
            digest=self._digest,
            age=_milliseconds(now - self._read_at),
            refused_for=max(1, _milliseconds(now - self._refused_at)) if self._refused else 0,
            mistakes=tuple(mistake[:LENGTH] for mistake in self._refused[:SHOWN]),
        )

    def _read(self) -> Configuration:
        configuration = read_configuration(self._path, self._environ)
        self._accept(configuration)
        self._digest, self._read_at = configuration_digest(configuration), self._clock()
        return configuration

    def _refuse(self, mistakes: tuple[str, ...]) -> None:
        if not self._refused:
            self._refused_at = self._clock()
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


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _signature(paths: Iterable[Path]) -> Signature:
    return {path: _stat(path) for path in paths}


def _stat(path: Path) -> Stat:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_ino, found.st_size
