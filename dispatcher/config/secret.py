"""Secrets of the configuration, which says the environment variable or the file that holds each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo

from dispatcher.config.mistakes import Mistake
from dispatcher.domain.secret import Secret
from dispatcher.files import secret_from_file


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


def read_secret(value: Any, info: ValidationInfo) -> Secret:
    """The secret that a setting names. Raises ValueError with the remedy."""
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


SecretValue = Annotated[Secret, PlainValidator(read_secret)]
