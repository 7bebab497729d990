"""Files that a user names: regular ones, read up to a bound; and secrets in them.

Light: commands that only ask the API load it too.
"""

from __future__ import annotations

from pathlib import Path

from dispatcher.domain.quoting import quoted
from dispatcher.domain.secret import Secret

_SECRET_BYTES = 64 * 1024


def secret_from_file(path: Path) -> Secret:
    """The file's bytes without one trailing newline. Raises ValueError with the remedy."""
    try:
        content = read_file(path, _SECRET_BYTES)
    except OSError as error:
        raise ValueError(
            f"the file {quoted(str(path))} {why(error)}; put the secret there"
        ) from None
    if len(content) > _SECRET_BYTES:
        raise ValueError(
            f"the file {quoted(str(path))} is larger than 64 KiB; check that it is the right one"
        )
    content = content.removesuffix(b"\r\n" if content.endswith(b"\r\n") else b"\n")
    if not content:
        raise ValueError(f"the file {quoted(str(path))} is empty; put the secret there")
    return Secret(content, f"file {path}")


def read_file(path: Path, most: int) -> bytes:
    """At most `most` + 1 bytes of a regular file. Refuses a pipe or device, which could block for ever."""
    try:
        if path.exists() and not path.is_file():
            raise OSError("is not a file")
        with path.open("rb") as file:
            return file.read(most + 1)
    except ValueError:  # a NUL in the path
        raise OSError("has a name that is not a valid file name") from None


def why(error: OSError) -> str:
    """An OSError for people: `cannot be read (No such file or directory)`."""
    return f"cannot be read ({error.strerror})" if error.strerror else str(error)
