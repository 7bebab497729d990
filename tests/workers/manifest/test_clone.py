"""The clone script, run for real against repositories on disk."""

from __future__ import annotations

import os
import re
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.workers.cloning import Clone, Host, git
from workers.manifest.clone import SCRIPT


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_checks_out_the_tip_shallowly(host: Host, clone: Clone) -> None:
    host.commit("one")
    tip = host.commit("two")
    host.push("main")
    done = clone.run(host.url, tip, "refs/heads/main")
    assert done.returncode == 0, done.stderr
    assert clone.head == tip
    assert (clone.workspace / "a file").read_text() == "two"
    assert git(clone.workspace, "rev-list", "--count", "HEAD") == "1"
    assert f"checked out {tip}" in done.stderr


@pytest.mark.parametrize("protocol", ["0", "2"])
def test_checks_out_a_commit_that_the_branch_has_moved_past(
    host: Host, clone: Clone, protocol: str
) -> None:
    """Protocol 0 gives a commit by name only where the server allows it."""
    host.refuse_names()
    commits = [host.commit(f"commit {number}") for number in range(70)]
    host.push("main")
    (clone.home / ".gitconfig").write_text(f"[protocol]\nversion = {protocol}\n")
    done = clone.run(host.url, commits[2], "refs/heads/main")
    assert done.returncode == 0, done.stderr
    assert clone.head == commits[2]
    assert (clone.workspace / "a file").read_text() == "commit 2"


def test_tries_three_times_when_nothing_answers(tmp_path: Path, clone: Clone) -> None:
    done = clone.run((tmp_path / "nowhere.git").as_uri(), "1" * 40, "refs/heads/main")
    assert done.returncode == 1
    assert done.stderr.count("fetch failed, trying again") == 2
    assert "cannot fetch" in done.stderr


@pytest.mark.parametrize("annotated", [True, False])
def test_checks_out_a_tag_by_its_object_or_its_commit(
    host: Host, clone: Clone, annotated: bool
) -> None:
    commit = host.commit("one")
    git(host.work, "tag", *(["-a", "-m", "first"] if annotated else []), "v1")
    host.push("main", "v1")
    name = git(host.work, "rev-parse", "v1")
    assert (name != commit) == annotated
    done = clone.run(host.url, name, "refs/tags/v1")
    assert done.returncode == 0, done.stderr
    assert clone.head == commit


def test_full_history_has_all_commits_and_tags(host: Host, clone: Clone) -> None:
    host.commit("one")
    git(host.work, "tag", "v1")
    tip = host.commit("two")
    host.push("main", "v1")
    done = clone.run(host.url, tip, "refs/heads/main", CLONE_DEPTH="0")
    assert done.returncode == 0, done.stderr
    assert git(clone.workspace, "describe", "--tags").startswith("v1-1-g")


def test_runs_again_in_the_same_workspace(host: Host, clone: Clone) -> None:
    first = host.commit("one")
    host.push("main")
    assert clone.run(host.url, first, "refs/heads/main").returncode == 0
    (clone.workspace / "a file").write_text("half written")
    done = clone.run(host.url, first, "refs/heads/main")
    assert done.returncode == 0, done.stderr
    assert (clone.workspace / "a file").read_text() == "one"


def test_fetches_submodules(tmp_path: Path, host: Host, clone: Clone) -> None:
    library = Host(tmp_path / "library")
    library.commit("library")
    library.push("main")
    host.commit("one")
    git(host.work, "-c", "protocol.file.allow=always", "submodule", "add", "-q", library.url, "lib")
    tip = host.commit("two")
    host.push("main")
    done = clone.run(host.url, tip, "refs/heads/main", CLONE_SUBMODULES="true")
    assert done.returncode == 0, done.stderr
    assert (clone.workspace / "lib" / "a file").read_text() == "library"


@pytest.mark.parametrize(
    ("commit", "ref"),
    [
        ("--upload-pack=touch x", "refs/heads/main"),
        ("1" * 39, "refs/heads/main"),
        ("", "refs/heads/main"),
        ("1" * 40, "--upload-pack=touch"),
        ("1" * 40, "refs/heads/a:refs/heads/b"),
        ("1" * 40, "refs/heads/$(touch x) y"),
    ],
)
def test_refuses_what_is_no_commit_or_ref(host: Host, clone: Clone, commit: str, ref: str) -> None:
    done = clone.run(host.url, commit, ref)
    assert done.returncode == 1
    assert "GIT_COMMIT is not" in done.stderr or "GIT_REF is not" in done.stderr
    assert not any(clone.workspace.iterdir())


def test_refuses_a_protocol_that_runs_commands(clone: Clone) -> None:
    done = clone.run("ext::sh -c touch% x", "1" * 40, "refs/heads/main")
    assert done.returncode == 1
    assert "transport 'ext' not allowed" in done.stderr


def test_a_key_without_known_hosts_is_refused(tmp_path: Path, host: Host, clone: Clone) -> None:
    (tmp_path / "ssh-privatekey").write_text("key")
    done = clone.run(host.url, "1" * 40, "refs/heads/main", CLONE_CREDENTIALS=str(tmp_path))
    assert done.returncode == 1
    assert "known_hosts; add the host's keys" in done.stderr


def test_a_secret_without_any_known_key_is_refused(
    tmp_path: Path, host: Host, clone: Clone
) -> None:
    done = clone.run(host.url, "1" * 40, "refs/heads/main", CLONE_CREDENTIALS=str(tmp_path))
    assert done.returncode == 1
    assert "none of the keys ssh-privatekey, token and password" in done.stderr


def test_a_token_cannot_go_over_ssh(tmp_path: Path, clone: Clone) -> None:
    (tmp_path / "token").write_text("hush-hush")
    done = clone.run(
        "git@example.com:a/b", "1" * 40, "refs/heads/main", CLONE_CREDENTIALS=str(tmp_path)
    )
    assert done.returncode == 1
    assert "needs ssh-privatekey" in done.stderr
    assert "hush-hush" not in done.stderr


def fake_ssh(directory: Path, bare: Path) -> Path:
    """An `ssh` that notes its arguments and the key's mode, and serves the repository itself."""
    tools = directory / "tools"
    tools.mkdir()
    ssh = tools / "ssh"
    ssh.write_text(
        "#!/bin/sh\n"
        'for argument in "$@"; do printf "%s\\n" "$argument"; done >"$HOME/arguments"\n'
        'ls -l "$HOME/key" | cut -c 1-10 >"$HOME/mode"\n'
        f'exec git-upload-pack "{bare}"\n'
    )
    ssh.chmod(0o755)
    return tools


def test_ssh_gets_a_private_key_and_only_the_given_hosts(
    tmp_path: Path, host: Host, clone: Clone
) -> None:
    tip = host.commit("one")
    host.push("main")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "ssh-privatekey").write_text("the key without a newline")
    (credentials / "known_hosts").write_text("example.com ssh-ed25519 AAAA\n")
    done = clone.run(
        "git@example.com:acme/shop",
        tip,
        "refs/heads/main",
        CLONE_CREDENTIALS=str(credentials),
        PATH=f"{fake_ssh(tmp_path, host.bare)}:{os.environ['PATH']}",
    )
    assert done.returncode == 0, done.stderr
    assert clone.head == tip
    arguments = (clone.home / "arguments").read_text().splitlines()
    assert str(clone.home / "key") in arguments
    assert f'UserKnownHostsFile="{clone.home}/known_hosts"' in arguments
    assert "StrictHostKeyChecking=yes" in arguments
    assert (clone.home / "mode").read_text().strip() == "-rw-------"
    assert (clone.home / "key").read_text() == "the key without a newline\n"


@contextmanager
def served(bare: Path, password: str) -> Iterator[str]:
    """The repository's files over HTTP, for those who know the password."""
    git(bare, "update-server-info")
    wanted = "Basic " + b64encode(f"x-token-auth:{password}".encode()).decode()

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") == wanted:
                return super().do_GET()
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return None

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(bare)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("given", ["hush-hush", "hush-hush\n"])
def test_a_token_is_for_the_repository_s_host_only(
    tmp_path: Path, host: Host, clone: Clone, given: str
) -> None:
    tip = host.commit("one")
    host.push("main")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "token").write_text(given)
    with served(host.bare, "hush-hush") as url:
        done = clone.run(
            url,
            tip,
            "refs/heads/main",
            CLONE_CREDENTIALS=str(credentials),
            CLONE_DEPTH="0",
            no_proxy="127.0.0.1",
        )
    assert done.returncode == 0, done.stderr
    assert clone.head == tip
    kept = [p.read_text(errors="replace") for p in clone.workspace.rglob("*") if p.is_file()]
    assert not any("hush-hush" in text for text in (*kept, done.stderr, done.stdout))
    env = {"HOME": str(clone.home), "PATH": os.environ["PATH"], "GIT_TERMINAL_PROMPT": "0"}
    asked = subprocess.run(
        ["git", "credential", "fill"],
        input="protocol=http\nhost=elsewhere.example\n\n",
        env={**env, "CLONE_CREDENTIALS": str(credentials), "CLONE_PASSWORD": "token"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "hush-hush" not in asked.stdout


def test_the_script_survives_the_expansion_of_variables() -> None:
    """Kubernetes reads `$$` and `$(NAME)` in arguments; the script has neither for a name we set."""
    assert "$$" not in SCRIPT
    names = set(re.findall(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)", SCRIPT))
    assert names == set()


def test_the_script_has_no_path_of_its_own() -> None:
    """The local cluster moves mount paths in the values of variables, but not in scripts."""
    assert set(re.findall(r"(?<![\w./\"$}:*])/[a-z]\w*(?:/\w+)*", SCRIPT)) <= {"/dev/null"}
