"""Loads a process's settings from its environment and YAML files, and reports all mistakes at once.

Must not read `os.environ` itself: the process passes it in.
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
from dispatcher.config.mistakes import MistakesFound
from dispatcher.domain.errors import ConfigError


@dataclass(frozen=True)
class Settings:
    """A process's settings, from its environment and its configuration files."""

    environment: Environment
    configuration: Configuration


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Read the settings in environment variables. Raise ConfigError."""
    try:
        return read_variables(environ)
    except MistakesFound as found:
        raise ConfigError(tuple(map(str, found.mistakes))) from None


def read_configuration(path: Path, environ: Mapping[str, str]) -> Configuration:
    """Read hooks and targets from a file, or from all YAML files of a directory. Raise ConfigError.

    `{env: NAME}` looks secrets up in `environ`.
    """
    return _read(path, environ, secrets=True)


def _without_secret_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without the variables that hold a secret or name a secret's file."""
    secret = {variable.name for variable in VARIABLES if variable.secret}
    return {k: v for k, v in environ.items() if k.removesuffix("_FILE") not in secret}


def read_without_secrets(path: Path) -> Configuration:
    """Like `read_configuration`, but all secrets are empty, so that they authenticate nothing."""
    return _read(path, {}, secrets=False)


def _read(path: Path, environ: Mapping[str, str], *, secrets: bool) -> Configuration:
    try:
        return read_files(path, environ, secrets=secrets)
    except MistakesFound as found:
        raise ConfigError(tuple(map(str, found.mistakes))) from None


def configuration_path(environ: Mapping[str, str]) -> Path:
    """The path of the configuration, whatever mistakes the rest of the environment has."""
    default = next(v.default for v in VARIABLES if v.name == "DISPATCHER_CONFIG")
    return Path(environ.get("DISPATCHER_CONFIG") or default)


def load(environ: Mapping[str, str], *, secrets: bool = True) -> Settings:
    """Read both. Raise ConfigError with all mistakes. With `secrets` False no secret is looked up."""
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
