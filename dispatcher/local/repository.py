"""A bare Git repository whose post-receive hook runs `git-dispatcher notify`."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from dispatcher.domain.errors import DispatcherError
from dispatcher.local.python import python, python_path

HOOK = """#!/bin/sh
# Notifies git-dispatcher of every push. The push stands even if that fails.
export PYTHONPATH={path}
exec {command} notify --url {url} --repository {repository} --secret-file {secret}
"""


def create_repository(folder: Path, *, url: str, secret_file: Path) -> str:
    """Makes `folder` a bare repository that notifies the hook at `url`; returns its URL for clones."""
    git("init", "-q", "--bare", "--initial-branch=main", str(folder))
    git("-C", str(folder), "config", "uploadpack.allowAnySHA1InWant", "true")
    location = folder.resolve().as_uri()
    point_hook(folder, url=url, secret_file=secret_file)
    return location


def point_hook(folder: Path, *, url: str, secret_file: Path) -> None:
    """(Re)writes the repository's post-receive hook."""
    hook = folder / "hooks" / "post-receive"
    hook.write_text(
        HOOK.format(
            path=shlex.quote(python_path()["PYTHONPATH"]),
            command=shlex.join(python("-m", "dispatcher.cli")),
            url=shlex.quote(url),
            repository=shlex.quote(folder.resolve().as_uri()),
            secret=shlex.quote(str(secret_file.resolve())),
        )
    )
    hook.chmod(0o755)


class GitFailed(DispatcherError):
    """git failed; the message holds what it wrote to standard error."""


def git(*arguments: str, both: bool = False) -> str:
    """Runs git; returns its standard output, with `both` also its standard error. Raises GitFailed."""
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    done = subprocess.run(["git", *who, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise GitFailed(f"git {' '.join(arguments)}: {done.stderr.strip() or done.returncode}")
    return (done.stdout + done.stderr if both else done.stdout).strip()
