"""The quickstart of the first `git-dispatcher up`: a repository to push to, and its target."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from pathlib import Path

from dispatcher.local.repository import create_repository, git, point_hook

CONFIGURATION = """\
# Written by `git-dispatcher up`. Edit it: every process reads it again when it changes.
version: 1
hooks:
  local: {{provider: generic, secrets: [{{file: {secret}}}], repositories: ["**"]}}
targets:
  hello:
    repository: {repository}
    branches: [main]
    job:
      image: local/none   # the local cluster runs processes and ignores images
      command: [sh, deploy.sh]
      timeout: 5m
"""

SCRIPT = """\
echo "deploying $GIT_COMMIT of $GIT_REF as $DEPLOY_ID"
sleep 2
echo done
"""


def ensure_secret(path: Path) -> Path:
    """Creates the file with a random secret, unless it exists; only its owner may read it."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path


def ensure_quickstart(state: Path, web_url: str) -> Path:
    """Creates the quickstart's configuration and repository, unless they exist; returns the file's path."""
    secret = ensure_secret(state / "hook-secret")
    repository, configuration = state / "hello.git", state / "git-dispatcher.yaml"
    hook = f"{web_url}/webhooks/local"
    if repository.exists():
        point_hook(repository, url=hook, secret_file=secret)
    else:
        create_repository(repository, url=hook, secret_file=secret)
        _first_commit(repository)
    if not configuration.exists():
        configuration.write_text(
            CONFIGURATION.format(secret=secret.resolve(), repository=repository.resolve().as_uri())
        )
    return configuration


def _first_commit(repository: Path) -> None:
    """Fetched into the repository, not pushed, so that the user makes the first push."""
    folder = Path(tempfile.mkdtemp())
    try:
        git("init", "-q", "--initial-branch=main", str(folder))
        (folder / "deploy.sh").write_text(SCRIPT)
        git("-C", str(folder), "add", "deploy.sh")
        git("-C", str(folder), "commit", "-q", "-m", "A deploy script")
        git("-C", str(repository), "fetch", "-q", str(folder), "main:main")
    finally:
        shutil.rmtree(folder)
