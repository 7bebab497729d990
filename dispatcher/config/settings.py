"""The door to the configuration: environment and YAML → frozen settings, all mistakes at once.

Nothing here reads `os.environ`: the process passes it in. `dispatcher.config` does the reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dispatcher.config.environment import (
    VARIABLES,
    Environment,
    read_variables,
)
from dispatcher.config.files import Configuration, read_files
from dispatcher.config.mistakes import Mistaken
from dispatcher.domain.errors import ConfigError


@dataclass(frozen=True)
class Settings:
    """All that a process can know before it starts."""

    environment: Environment
    configuration: Configuration


def read_environment(environ: Mapping[str, str]) -> Environment:
    """The settings of a process, from its environment variables. Raise ConfigError."""
    try:
        return read_variables(environ)
    except Mistaken as mistaken:
        raise ConfigError(tuple(map(str, mistaken.mistakes))) from None


def read_configuration(path: Path, environ: Mapping[str, str]) -> Configuration:
    """Hooks and targets from a file, or from all YAML files of a directory. Raise ConfigError.

    `environ` is where `{env: NAME}` finds secrets.
    """
    return _read(path, environ, secrets=True)


def _without_secret_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment in which no variable that holds a secret is set, nor one that names its file."""
    secret = {variable.name for variable in VARIABLES if variable.secret}
    return {k: v for k, v in environ.items() if k.removesuffix("_FILE") not in secret}


def read_without_secrets(path: Path) -> Configuration:
    """The same where no secret is at hand: all of them are empty, so that nothing can be proved with it."""
    return _read(path, {}, secrets=False)


def _read(path: Path, environ: Mapping[str, str], *, secrets: bool) -> Configuration:
    try:
        return read_files(path, environ, secrets=secrets)
    except Mistaken as mistaken:
        raise ConfigError(tuple(map(str, mistaken.mistakes))) from None


def configuration_path(environ: Mapping[str, str]) -> Path:
    """Where hooks and targets are, whatever else may be wrong with the environment."""
    default = next(v.default for v in VARIABLES if v.name == "DISPATCHER_CONFIG")
    return Path(environ.get("DISPATCHER_CONFIG") or default)


def load(environ: Mapping[str, str], *, secrets: bool = True) -> Settings:
    """Both. Raise ConfigError with the mistakes of both. Without `secrets` none is looked up, anywhere."""
    if not secrets:
        environ = _without_secret_variables(environ)
    try:
        environment = read_environment(environ)
    except ConfigError as error:
        mistakes = _mistakes(configuration_path(environ), environ, secrets=secrets)
        raise ConfigError((*error.mistakes, *mistakes)) from None
    return Settings(environment, _read(environment.config, environ, secrets=secrets))


def _mistakes(path: Path, environ: Mapping[str, str], *, secrets: bool) -> tuple[str, ...]:
    try:
        _read(path, environ, secrets=secrets)
    except ConfigError as error:
        return error.mistakes
    return ()
