"""A Git host on disk, and the clone script run against it for real."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from workers.manifest.clone import SCRIPT


def git(directory: Path, *arguments: str) -> str:
    env = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.com",
    }
    done = subprocess.run(
        ["git", "-C", str(directory), *arguments],
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


class Host:
    """A bare repository as a Git host has it, and a working copy that pushes to it."""

    def __init__(self, directory: Path, names: str = "sha1") -> None:
        self.bare = directory / "with space" / "shop.git"
        self.work = directory / "work"
        self.bare.mkdir(parents=True)
        self.work.mkdir()
        format_ = f"--object-format={names}"
        git(self.bare, "init", "-q", "--bare", "-b", "main", format_)
        git(self.work, "init", "-q", "-b", "main", format_)
        git(self.work, "remote", "add", "origin", str(self.bare))

    @property
    def url(self) -> str:
        return self.bare.as_uri()

    def commit(self, text: str, *options: str) -> str:
        (self.work / "a file").write_text(text)
        git(self.work, "add", ".")
        git(self.work, "commit", "-q", "-m", text, *options)
        return git(self.work, "rev-parse", "HEAD")

    def push(self, *refs: str) -> None:
        git(self.work, "push", "-q", "--force", "origin", *refs)

    def refuse_names(self) -> None:
        """Give only what a ref points to, as protocol version 0 does by default."""
        git(self.bare, "config", "uploadpack.allowAnySHA1InWant", "false")


class Clone:
    def __init__(self, directory: Path) -> None:
        self.workspace = directory / "the workspace"
        self.home = directory / "the home"
        for path in (self.workspace, self.home):
            path.mkdir()

    def run(self, url: str, commit: str, ref: str, **more: str) -> subprocess.CompletedProcess[str]:
        env: Mapping[str, str] = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "WORKSPACE": str(self.workspace),
            "HOME": str(self.home),
            "GIT_URL": url,
            "GIT_COMMIT": commit,
            "GIT_REF": ref,
            "CLONE_DEPTH": "1",
            "CLONE_SUBMODULES": "false",
            "CLONE_LFS": "false",
            "CLONE_PAUSE": "0",
            **more,
        }
        return subprocess.run(
            ["sh", "-c", SCRIPT], env=env, capture_output=True, text=True, check=False, timeout=60
        )

    @property
    def head(self) -> str:
        return git(self.workspace, "rev-parse", "HEAD")
