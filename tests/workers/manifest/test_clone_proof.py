"""What the clone takes for a push to a ref: only what the ref's own history holds."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from dispatcher.domain.job_contract import CLONE_REFUSED
from tests.workers.cloning import Clone, Host, git

MAIN = "refs/heads/main"
SERVERS = ("gives names", "gives names and filters", "refuses names")
DEPTHS = ("1", "3", "0")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def behave(server: str, host: Host, clone: Clone) -> None:
    """Protocol 0 gives by name what refs point to, hidden ones excepted; protocol 2 gives everything."""
    if server == "refuses names":
        git(host.bare, "config", "uploadpack.hideRefs", "refs/pull")
        host.refuse_names()
        (clone.home / ".gitconfig").write_text("[protocol]\nversion = 0\n")
    elif server == "gives names and filters":
        git(host.bare, "config", "uploadpack.allowFilter", "true")


def a_history(host: Host, length: int) -> list[str]:
    """So many commits on main, the oldest first."""
    stream = "".join(
        f"commit {MAIN}\ncommitter a <a@example.com> {1_700_000_000 + number} +0000\n"
        f"data 1\nx\nM 644 inline a file\ndata {len(str(number))}\n{number}\n"
        for number in range(length)
    )
    command = ["git", "-C", str(host.work), "fast-import", "--quiet", "--force"]
    subprocess.run(command, input=stream, text=True, check=True)
    git(host.work, "reset", "-q", "--hard", "main")
    host.push("main")
    return git(host.work, "rev-list", "--reverse", "main").split()


def a_pull_request(host: Host) -> str:
    """A commit upon main that only the pull request's ref holds."""
    forked = host.commit("from a fork")
    host.push(f"{forked}:refs/pull/7/head")
    git(host.work, "reset", "-q", "--hard", "HEAD~1")
    return forked


def assert_refused(
    done: subprocess.CompletedProcess[str], clone: Clone, commit: str, ref: str = MAIN
) -> None:
    """With an exit code of its own, and a last line that names commit, ref and remedy."""
    last = done.stderr.splitlines()[-1]
    assert done.returncode == CLONE_REFUSED, done.stderr
    assert ref in last
    assert "clone.any_commit" in last
    assert commit in last or f"{ref} is not in the repository" in last
    assert [path.name for path in clone.workspace.iterdir()] == [".git"]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("server", SERVERS)
def test_what_only_a_pull_request_holds_is_refused(
    host: Host, clone: Clone, server: str, depth: str
) -> None:
    host.commit("one")
    host.push("main")
    forked = a_pull_request(host)
    behave(server, host, clone)

    done = clone.run(host.url, forked, MAIN, CLONE_DEPTH=depth)

    assert_refused(done, clone, forked)


def test_what_only_another_tag_holds_is_refused_with_the_whole_history(
    host: Host, clone: Clone
) -> None:
    host.commit("one")
    host.push("main")
    other = host.commit("two")
    git(host.work, "tag", "v1")
    host.push("v1")

    done = clone.run(host.url, other, MAIN, CLONE_DEPTH="0")

    assert_refused(done, clone, other)


def test_whatever_the_server_gives_is_deployed_where_that_is_said(host: Host, clone: Clone) -> None:
    host.commit("one")
    host.push("main")
    forked = a_pull_request(host)

    done = clone.run(host.url, forked, MAIN, CLONE_ANY_COMMIT="true")

    assert done.returncode == 0, done.stderr
    assert clone.head == forked


def test_what_is_not_there_at_all_has_no_remedy_where_everything_is_taken(
    host: Host, clone: Clone
) -> None:
    host.commit("one")
    host.push("main")

    done = clone.run(host.url, "1" * 40, MAIN, CLONE_ANY_COMMIT="true")

    assert done.returncode == 1
    assert f"commit {'1' * 40} is not in the history of {MAIN}" in done.stderr
    assert "any_commit" not in done.stderr


@pytest.mark.parametrize("back", [1, 2, 60, 150, 1250])
@pytest.mark.parametrize("server", SERVERS)
def test_an_older_commit_of_a_deep_branch_is_found(
    host: Host, clone: Clone, server: str, back: int
) -> None:
    commits = a_history(host, 1300)
    behave(server, host, clone)

    done = clone.run(host.url, commits[-1 - back], MAIN)

    assert done.returncode == 0, done.stderr
    assert clone.head == commits[-1 - back]
    assert (clone.workspace / "a file").read_text() == str(1299 - back)
    if server != "refuses names":
        assert git(clone.workspace, "rev-list", "--count", "HEAD") == "1"


@pytest.mark.parametrize("depth", DEPTHS)
def test_an_older_commit_has_as_much_history_as_is_asked_for(
    host: Host, clone: Clone, depth: str
) -> None:
    commits = a_history(host, 20)

    done = clone.run(host.url, commits[-3], MAIN, CLONE_DEPTH=depth)

    assert done.returncode == 0, done.stderr
    assert git(clone.workspace, "rev-list", "--count", "HEAD") == ("18" if depth == "0" else depth)


def test_a_commit_that_came_in_by_a_merge_is_found(host: Host, clone: Clone) -> None:
    host.commit("one")
    git(host.work, "checkout", "-q", "-b", "side")
    merged = host.commit("two")
    git(host.work, "checkout", "-q", "main")
    git(host.work, "merge", "-q", "--no-ff", "-m", "merge", "side")
    host.push("main")

    done = clone.run(host.url, merged, MAIN)

    assert done.returncode == 0, done.stderr
    assert clone.head == merged


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("server", SERVERS)
def test_what_a_force_push_took_away_is_refused(
    host: Host, clone: Clone, server: str, depth: str
) -> None:
    """Nothing that a server gives tells it from what was never there; the newer push has its own deploy."""
    host.commit("one")
    lost = host.commit("two")
    host.push("main")
    now = host.commit("another two", "--amend")
    host.push("main")
    behave(server, host, clone)

    done = clone.run(host.url, lost, MAIN, CLONE_DEPTH=depth)

    assert_refused(done, clone, lost)
    assert now in done.stderr.splitlines()[-1]


def test_what_does_not_exist_is_refused(host: Host, clone: Clone) -> None:
    host.commit("one")
    host.push("main")

    done = clone.run(host.url, "1" * 40, MAIN)

    assert_refused(done, clone, "1" * 40)


def test_a_deleted_branch_shows_nothing(host: Host, clone: Clone) -> None:
    commit = host.commit("one")
    host.push("main", "main:refs/heads/feature")
    host.push(":refs/heads/feature")

    done = clone.run(host.url, commit, "refs/heads/feature")

    assert_refused(done, clone, commit, "refs/heads/feature")


@pytest.mark.parametrize("annotated", [True, False])
def test_a_tag_that_was_moved_on_still_holds_where_it_was(
    host: Host, clone: Clone, annotated: bool
) -> None:
    note = ["-a", "-m", "note"] if annotated else []
    first = host.commit("one")
    git(host.work, "tag", *note, "v1")
    before = git(host.work, "rev-parse", "v1")
    host.push("v1", f"{before}:refs/kept/v1")
    host.commit("two")
    git(host.work, "tag", "-f", *note, "v1")
    host.push("v1")

    done = clone.run(host.url, before, "refs/tags/v1")

    assert done.returncode == 0, done.stderr
    assert clone.head == first


def test_a_tag_that_was_moved_elsewhere_does_not(host: Host, clone: Clone) -> None:
    host.commit("one")
    before = host.commit("two")
    git(host.work, "tag", "v1")
    host.push("v1")
    host.commit("another two", "--amend")
    git(host.work, "tag", "-f", "v1")
    host.push("v1")

    done = clone.run(host.url, before, "refs/tags/v1")

    assert_refused(done, clone, before, "refs/tags/v1")


@pytest.mark.parametrize("server", SERVERS)
def test_sha_256(tmp_path: Path, clone: Clone, server: str) -> None:
    host = Host(tmp_path, "sha256")
    first = host.commit("one")
    host.commit("two")
    host.push("main")
    forked = a_pull_request(host)
    behave(server, host, clone)

    older = clone.run(host.url, first, MAIN)
    head = clone.head
    refused = clone.run(host.url, forked, MAIN)

    assert older.returncode == 0, older.stderr
    assert (len(first), head) == (64, first)
    assert refused.returncode == CLONE_REFUSED


def test_submodules_of_an_older_commit_are_fetched(
    tmp_path: Path, host: Host, clone: Clone
) -> None:
    library = Host(tmp_path / "library")
    library.commit("library")
    library.push("main")
    git(host.work, "-c", "protocol.file.allow=always", "submodule", "add", "-q", library.url, "lib")
    older = host.commit("one")
    host.commit("two")
    host.push("main")

    done = clone.run(host.url, older, MAIN, CLONE_SUBMODULES="true")

    assert done.returncode == 0, done.stderr
    assert (clone.workspace / "lib" / "a file").read_text() == "library"


def test_a_server_whose_copies_lag_behind_is_given_time(
    tmp_path: Path, host: Host, clone: Clone
) -> None:
    """Given a commit that another ref has already, when the branch gets it during the first pause."""
    host.commit("one")
    host.push("main")
    late = host.commit("two")
    host.push(f"{late}:refs/incoming/1")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sleep").write_text(f'#!/bin/sh\ngit -C "{host.bare}" update-ref {MAIN} {late}\n')
    (tools / "sleep").chmod(0o755)

    done = clone.run(host.url, late, MAIN, PATH=f"{tools}:{os.environ['PATH']}")

    assert done.returncode == 0, done.stderr
    assert clone.head == late


def connections(tmp_path: Path, host: Host, clone: Clone, commit: str) -> int:
    """How often the clone talks to the server."""
    trace = tmp_path / "trace"
    done = clone.run(host.url, commit, MAIN, GIT_TRACE=str(trace))
    assert done.returncode == 0, done.stderr
    return trace.read_text().count("built-in: git upload-pack")


@pytest.mark.parametrize("server", SERVERS)
def test_what_the_ref_points_to_takes_one_fetch(
    tmp_path: Path, host: Host, clone: Clone, server: str
) -> None:
    commits = a_history(host, 5)
    behave(server, host, clone)

    assert connections(tmp_path, host, clone, commits[-1]) == 1


def test_the_history_is_read_without_files(host: Host, clone: Clone) -> None:
    commits = a_history(host, 150)
    behave("gives names and filters", host, clone)

    done = clone.run(host.url, commits[5], MAIN)

    kinds = git(
        clone.home / "history", "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"
    )
    assert done.returncode == 0, done.stderr
    assert set(kinds.split()) == {"commit"}


def test_the_workspace_shows_no_ref_of_the_proof(host: Host, clone: Clone) -> None:
    commits = a_history(host, 5)

    clone.run(host.url, commits[2], MAIN)

    refs = git(clone.workspace, "for-each-ref", "--format=%(refname)").split()
    assert refs == ["refs/remotes/origin/main"]


@contextmanager
def smart_http(host: Host) -> Iterator[str]:
    """The repository as hosts serve it: git's own http-backend."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            path, _, query = self.path.partition("?")
            env = {
                **os.environ,
                "GIT_PROJECT_ROOT": str(host.bare.parent),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_GLOBAL": os.devnull,
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            command = ["git", "http-backend"]
            done = subprocess.run(command, input=body, env=env, capture_output=True, check=True)
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
            self.send_response(int(fields.pop("Status", "200").split()[0]))
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{host.bare.name}"
    finally:
        server.shutdown()
        server.server_close()


def test_over_http_the_same_holds(host: Host, clone: Clone) -> None:
    commits = a_history(host, 150)
    forked = a_pull_request(host)
    behave("gives names and filters", host, clone)

    with smart_http(host) as url:
        older = clone.run(url, commits[5], MAIN, no_proxy="127.0.0.1")
        head = clone.head
        refused = clone.run(url, forked, MAIN, no_proxy="127.0.0.1")

    assert older.returncode == 0, older.stderr
    assert head == commits[5]
    assert refused.returncode == CLONE_REFUSED, refused.stderr
