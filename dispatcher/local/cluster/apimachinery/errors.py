"""The root of what can go wrong in the local cluster.

Errors that travel to a client are in `status`; this module must not know HTTP.
"""


class LocalClusterError(Exception):
    """Anything that the local cluster refuses or can't do."""


class SetupError(LocalClusterError):
    """The cluster can't start as asked; the message says what to change."""


class StorageError(LocalClusterError):
    """Objects can't be written to their file; they stay as they were."""


class ExpiredError(LocalClusterError):
    """A watch or a list asks for changes that are no longer kept."""

    def __init__(self, requested: int, oldest: int) -> None:
        super().__init__(f"too old resource version: {requested} ({oldest})")
