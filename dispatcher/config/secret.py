"""Secrets, read from an environment variable or a file. The configuration itself must not hold one."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo

from dispatcher.config.mistakes import Mistake, show

_SECRET_BYTES = 64 * 1024


class Secret:
    """Secret bytes. `repr` and `str` show only where they came from."""

    __slots__ = ("_value", "source")

    def __init__(self, value: bytes, source: str = "given") -> None:
        self._value = value
        self.source = source

    def reveal(self) -> bytes:
        return self._value

    def __repr__(self) -> str:
        return f"Secret({self.source})"

    def __eq__(self, other: object) -> bool:
        """For noticing a changed setting. `authentication` compares what a Git host presents."""
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True)
class Context:
    """What validators of a file's values need, and what they collect."""

    environ: Mapping[str, str]
    directory: Path
    """Directory of the file, against which relative paths are resolved."""
    files: list[Path] = field(default_factory=list)
    """Files that values refer to: manifests and secrets."""
    mistakes: list[Mistake] = field(default_factory=list)
    """Mistakes in those files, with their own line numbers."""
    secrets: bool = True
    """False to skip looking secrets up: each is then empty, and an empty secret authenticates nothing."""


def _secret(value: Any, info: ValidationInfo) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(info.context, Context):
        raise ValueError("is not a Secret; pass one")
    match value:
        case {"env": str(name), **rest} if not rest:
            return _secret_from_variable(name, info.context)
        case {"file": str(name), **rest} if name and not rest:
            path = info.context.directory / name
            if not info.context.secrets:
                return Secret(b"", f"file {path}")
            info.context.files.append(path)
            return secret_from_file(path)
    raise ValueError("does not say where the secret is; write {env: NAME} or {file: PATH}")


def _secret_from_variable(name: str, context: Context) -> Secret:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError("is not a variable name; write {env: NAME} and set NAME to the secret")
    if not context.secrets:
        return Secret(b"", f"env {name}")
    environ = context.environ
    if not environ.get(name):
        state = "is empty" if name in environ else "is not set"
        raise ValueError(f"the environment variable {name} {state}; set it to the secret")
    return Secret(environ[name].encode("utf-8", "surrogateescape"), f"env {name}")


def secret_from_file(path: Path) -> Secret:
    """The file's bytes without one trailing newline. Raises ValueError with the remedy."""
    try:
        content = read_file(path, _SECRET_BYTES)
    except OSError as error:
        raise ValueError(f"the file {show(str(path))} {why(error)}; put the secret there") from None
    if len(content) > _SECRET_BYTES:
        raise ValueError(
            f"the file {show(str(path))} is larger than 64 KiB; check that it is the right one"
        )
    content = content.removesuffix(b"\r\n" if content.endswith(b"\r\n") else b"\n")
    if not content:
        raise ValueError(f"the file {show(str(path))} is empty; put the secret there")
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


SecretValue = Annotated[Secret, PlainValidator(_secret)]
