"""The SQLite file that keeps the objects across restarts. The only module that knows SQLite.

A write is in the file before it is answered. It survives the death of this process by any signal,
not that of the machine: the kernel keeps what the process wrote, so no write waits for a disk.

While the cluster is stopped, its directory may be copied, and put back later like an etcd backup:
objects and versions are then those of the copy, and versions are given out a second time.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from dispatcher.local.cluster.apimachinery.errors import SetupError, StorageError
from dispatcher.local.cluster.apimachinery.objects import Object, name_of, namespace_of
from dispatcher.local.cluster.apimachinery.resources import RESOURCES, Resource

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    resource TEXT, namespace TEXT, name TEXT, version INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (resource, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS removal (
    latest INTEGER PRIMARY KEY CHECK (latest = 1), version INTEGER NOT NULL
);
"""
_VERSION = """
SELECT max(version) FROM (SELECT version FROM objects UNION ALL SELECT version FROM removal)
"""
_DELETE = "DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?"
# Exclusive: one process only. Persist: all is in the one file except within a write.
# Off: write without waiting for the disk, see above.
_PRAGMAS = ("locking_mode = EXCLUSIVE", "journal_mode = PERSIST", "synchronous = OFF")
_RESOURCES = {each.qualified: each for each in RESOURCES}


class Database:
    """Objects by kind, namespace and name, and the version of the latest write."""

    def __init__(self, path: Path | None = None) -> None:
        """Opens or creates a file that only its owner can read; without a path, a database in memory, for
        tests."""
        if path is not None:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.touch(mode=0o600)
        try:
            self._connection = sqlite3.connect(path or ":memory:", isolation_level=None)
            self._prepare()
        except sqlite3.Error as error:
            raise SetupError(f"{path}: {error}; move it away to start with no objects") from error

    def _prepare(self) -> None:
        """Raises sqlite3.Error if the file is no database, after closing it."""
        try:
            for pragma in _PRAGMAS:
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.executescript(_SCHEMA)
        except sqlite3.Error:
            self.close()
            raise

    def version(self) -> int | None:
        """The version of the latest write; None if there was none."""
        (version,) = self._connection.execute(_VERSION).fetchone()
        return None if version is None else int(version)

    def objects(self) -> Iterator[tuple[Resource, Object]]:
        """All stored objects of known kinds."""
        for qualified, body in self._connection.execute("SELECT resource, body FROM objects"):
            if resource := _RESOURCES.get(qualified):
                yield resource, msgspec.json.decode(body)

    def put(self, resource: Resource, obj: Object, version: int) -> None:
        row = (*_key(resource, obj), version, msgspec.json.encode(obj))
        with _explained():
            self._connection.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)", row)

    def remove(self, resource: Resource, obj: Object, version: int) -> None:
        with self.step():
            self._connection.execute("INSERT OR REPLACE INTO removal VALUES (1, ?)", (version,))
            self._connection.execute(_DELETE, _key(resource, obj))

    @contextmanager
    def step(self) -> Iterator[None]:
        """A transaction: what is written within is stored as a whole or not at all. Raises `StorageError`.

        An error within commits what was written before it, since the store's memory isn't rolled back either.
        """
        if self._connection.in_transaction:
            yield
            return
        with _explained():
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(f"can't keep objects: {error}") from error


def _key(resource: Resource, obj: Object) -> tuple[str, str, str]:
    return resource.qualified, namespace_of(obj), name_of(obj)
