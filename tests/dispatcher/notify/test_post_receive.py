"""`git-dispatcher notify`: from Git's post-receive input to lines that the pusher reads."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from dispatcher.domain.errors import UsageError
from dispatcher.notify import git
from dispatcher.notify.post_receive import (
    DELIVERED,
    PAUSES,
    REFUSED,
    TOTAL,
    UNREACHABLE,
    USAGE,
    Reply,
    Update,
    read_refs,
    results,
    run,
)
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.receiving import receive
from dispatcher.webhooks.results import Received

OLD, NEW, ZERO = "a1" * 20, "b2" * 20, "0" * 40
SECRET = b"a secret of the tests"
NOW = 1763845200.25
URL = "https://deploy.example.com/webhooks/plain"
NOWHERE = Path("/nonexistent")


def accepted(ref: str = "refs/heads/main") -> dict[str, object]:
    result = {"target": "shop", "ref": ref, "commit": NEW, "outcome": "accepted"}
    return {"delivery": "1", "results": [result | {"deploy": "shop/42", "reason": "a new commit"}]}


@dataclass
class Server:
    """Answers in turn, the last one for good; an exception is a connection that fails."""

    answers: list[httpx.Response | Exception]
    requests: list[httpx.Request] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    clock: float = NOW
    slow: float = 0.0

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.clock += self.slow
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sleep(self, seconds: float) -> None:
        self.clock += seconds

    def run(
        self,
        text: str = f"{OLD} {NEW} refs/heads/main\n",
        *,
        url: str = URL,
        repository: str = "https://git.example.com/acme/shop",
        secret: bytes = SECRET,
        cwd: Path = NOWHERE,
        pusher: str = "ann",
        connects: bool = False,
    ) -> int:
        return run(
            text,
            url=url,
            repository=repository,
            secret=secret,
            cwd=cwd,
            echo=self.lines.append,
            sleep=self.sleep,
            now=lambda: self.clock,
            pusher=pusher,
            transport=None if connects else httpx.MockTransport(self.handle),
        )

    def received(self, number: int = 0) -> Received:
        request = self.requests[number]
        answer = receive("generic", request.headers.raw, request.content, Trust([SECRET]))
        assert isinstance(answer, Received), answer
        return answer


def answering(*answers: httpx.Response | Exception) -> Server:
    return Server(list(answers) or [httpx.Response(200, json=accepted())])


def test_what_notify_sends_is_what_the_generic_provider_takes() -> None:
    server = answering()

    code = server.run()

    assert code == DELIVERED
    (push,) = server.received().pushes
    assert (push.repository, push.ref) == ("git.example.com/acme/shop", "refs/heads/main")
    assert (push.before, push.after, push.pusher) == (OLD, NEW, "ann")
    assert push.pushed_at == 1763845200250
    assert push.paths is None
    assert server.lines == ["git-dispatcher: main b2b2b2b2: shop/42 deploys it"]


def test_all_refs_of_one_push_are_one_delivery_in_gits_order() -> None:
    server = answering()

    server.run(
        f"{OLD} {NEW} refs/heads/main\n"
        f"{ZERO} {NEW} refs/tags/v1\n"
        f"{OLD} {NEW} refs/notes/commits\n"
        f"{OLD} {ZERO} refs/heads/old\n",
    )

    assert len(server.requests) == 1
    refs = [push.ref for push in server.received().pushes]
    assert refs == ["refs/heads/main", "refs/tags/v1", "refs/heads/old"]


def test_a_mirrors_thousands_of_refs_are_several_deliveries() -> None:
    server = answering()

    server.run("".join(f"{ZERO} {NEW} refs/tags/v{n}\n" for n in range(2500)))

    sizes = [len(server.received(n).pushes) for n in range(3)]
    assert sizes == [1000, 1000, 500]
    assert len({server.received(n).delivery_id for n in range(3)}) == 3


@pytest.mark.parametrize("text", ["", "\n\n", f"{OLD} {NEW} refs/notes/commits\n"])
def test_nothing_to_report(text: str) -> None:
    server = answering()

    assert server.run(text) == DELIVERED
    assert server.requests == []


@pytest.mark.parametrize("failure", [503, 500, 429, 408, httpx.ConnectError("refused")])
def test_what_may_pass_is_tried_again_with_the_same_id(failure: int | Exception) -> None:
    first = httpx.Response(failure) if isinstance(failure, int) else failure
    server = answering(first, first, httpx.Response(200, json=accepted()))

    assert server.run() == DELIVERED
    assert len({server.received(n).delivery_id for n in range(3)}) == 1
    assert server.clock == NOW + PAUSES[0] + PAUSES[1]


def test_attempts_end() -> None:
    server = answering(httpx.ConnectTimeout("timed out"))

    assert server.run() == UNREACHABLE
    assert len(server.requests) == len(PAUSES) + 1
    assert server.lines == [
        "git-dispatcher: not delivered: no answer (timed out): check --url, and that web runs there; "
        "run it again with the same input to report the push"
    ]


def test_no_attempt_begins_when_the_time_is_up() -> None:
    server = answering(httpx.Response(503))
    server.slow = 9.0

    assert server.run() == UNREACHABLE
    assert server.clock <= NOW + TOTAL + server.slow


def test_the_servers_wish_to_wait_is_heard_within_limits() -> None:
    patient = answering(
        httpx.Response(503, headers={"Retry-After": "7"}),
        httpx.Response(200, json=accepted()),
    )
    hasty = answering(httpx.Response(503, headers={"Retry-After": "3600"}))

    assert patient.run() == DELIVERED
    assert patient.clock == NOW + 7
    assert hasty.run() == UNREACHABLE
    assert hasty.clock == NOW


def test_a_no_is_reported_and_not_tried_again() -> None:
    detail = "refs[0].after must be an object name"
    problem = {"status": 400, "code": "invalid_field", "detail": detail}
    server = answering(httpx.Response(400, json=problem))

    assert server.run() == REFUSED
    assert len(server.requests) == 1
    said = "refs[0].after must be an object name"
    assert server.lines == [f"git-dispatcher: not delivered: 400, {said}"]


@pytest.mark.parametrize("status", [401, 403, 413, 502])
def test_what_is_not_git_dispatcher_is_called_so(status: int) -> None:
    server = answering(httpx.Response(status, text="<html>No</html>"))

    server.run()

    (line,) = server.lines
    assert line.startswith(f"git-dispatcher: not delivered: {status}, something else than git-")


def test_a_user_and_a_password_in_the_repositorys_url_stay_here() -> None:
    server = answering()

    server.run(repository="https://ann:hunter2@git.example.com/acme/shop")

    assert server.received().pushes[0].repository == "git.example.com/acme/shop"
    assert b"hunter2" not in server.requests[0].content


def test_a_redirect_is_not_followed_but_told() -> None:
    server = answering(httpx.Response(301, headers={"Location": "https://elsewhere.example/"}))

    assert server.run() == REFUSED
    assert "use the one that it redirects to" in server.lines[0]


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ({"text": "nonsense\n"}, "line 1 of the input"),
        ({"text": f"{OLD} {NEW} refs/heads/main\n{OLD} {NEW}\n"}, "line 2 of the input"),
        ({"text": f"{OLD} {NEW} refs/heads/a\udcff\n"}, "line 1 of the input"),
        ({"secret": b""}, "the secret is empty"),
        ({"repository": "shop"}, "https://host/owner/name"),
        ({"url": "deploy.example.com/webhooks/x"}, "https://host/webhooks/name"),
        ({"url": "ftp://deploy.example.com"}, "https://host/webhooks/name"),
        ({"url": "http://xn--/"}, "https://host/webhooks/name"),
        ({"url": "http://a..b/"}, "https://host/webhooks/name"),
        ({"url": ""}, "https://host/webhooks/name"),
    ],
)
def test_wrong_input_is_reported_with_a_remedy(wrong: dict[str, str | bytes], remedy: str) -> None:
    server = answering()

    assert server.run(**wrong, connects=True) == USAGE  # type: ignore[arg-type]
    assert len(server.lines) == 1
    assert remedy in server.lines[0]


def test_refs_are_read_in_order() -> None:
    text = f"{OLD} {NEW} refs/heads/feature/ü\n{ZERO} {NEW} refs/tags/v1"

    assert read_refs(text) == (
        Update(OLD, NEW, "refs/heads/feature/ü"),
        Update(ZERO, NEW, "refs/tags/v1"),
    )
    with pytest.raises(UsageError):
        read_refs("x")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("accepted", "shop/42 deploys it"),
        ("coalesced", "shop/42 deploys it instead of the commit that was waiting"),
        ("duplicate", "shop already has it: why"),
        ("unchanged", "shop needs no deploy: why"),
        ("stale", "shop doesn't deploy it: why"),
        ("filtered", "shop doesn't deploy it: why"),
        ("held", "shop doesn't deploy it now: why"),
        ("rejected", "shop doesn't deploy it: why"),
        ("an outcome of tomorrow", "shop: an outcome of tomorrow why"),
    ],
)
def test_every_outcome_has_words(outcome: str, words: str) -> None:
    result = {
        "target": "shop",
        "ref": "refs/tags/v1",
        "commit": NEW,
        "outcome": outcome,
        "deploy": "shop/42",
        "reason": "why",
    }

    assert results(Reply(200, json.dumps({"results": [result]}))) == [f"v1 b2b2b2b2: {words}"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"results": []}', "no target deploys this push"),
        ('{"reason": "no refs"}', "nothing to deploy: no refs"),
        ("<html>", "no target deploys this push"),
        ("[" * 100_000, "no target deploys this push"),
        ('{"results": 7}', "no target deploys this push"),
    ],
)
def test_answers_without_results(text: str, line: str) -> None:
    assert results(Reply(200, text)) == [line]


def test_many_results_are_shown_short_and_harmlessly() -> None:
    result = {"target": "shop", "ref": "refs/heads/x", "outcome": "\x1b[2J{target}"}
    server = answering(httpx.Response(200, json={"results": [result] * 30}))

    server.run()

    assert len(server.lines) == 21
    assert server.lines[-1] == "git-dispatcher: and 10 more"
    assert all(line.isprintable() for line in server.lines)


# With a repository on disk.

Git = Callable[..., str]


@pytest.fixture
def run_git(tmp_path: Path) -> Git:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "tag.gpgSign=false"]

    def command(*arguments: str) -> str:
        line = ["git", *who, *arguments]
        done = subprocess.run(line, cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    command("init", "-q", "-b", "main")
    return command


def commit(run_git: Git, folder: Path, message: str, **files: str | None) -> str:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
    run_git("add", "-A")
    run_git("commit", "-q", "--allow-empty", "-m", message)
    return run_git("rev-parse", "HEAD")


def test_git_is_asked_for_message_and_paths(tmp_path: Path, run_git: Git) -> None:
    before = commit(run_git, tmp_path, "First", a="1", b="a long enough text to be a rename")
    commit(run_git, tmp_path, "Second", src__ü="1", b=None, c="a long enough text to be a rename")
    after = commit(run_git, tmp_path, "Third\n\nWith a body [skip ci]")
    server = answering()

    server.run(f"{before} {after} refs/heads/main\n", cwd=tmp_path)

    (push,) = server.received().pushes
    assert (push.title, push.message) == ("Third", "Third\n\nWith a body [skip ci]")
    assert push.paths == ("b", "c", "src/ü")
    assert push.commit == ""


def test_a_new_branch_has_unknown_paths_and_an_annotated_tag_its_commit(
    tmp_path: Path, run_git: Git
) -> None:
    head = commit(run_git, tmp_path, "First", a="1")
    run_git("tag", "-a", "v1", "-m", "The first release")
    tag = run_git("rev-parse", "v1")
    server = answering()

    server.run(f"{ZERO} {head} refs/heads/main\n{ZERO} {tag} refs/tags/v1\n", cwd=tmp_path)

    branch, release = server.received().pushes
    assert (branch.paths, branch.title) == (None, "First")
    assert (release.after, release.commit, release.title) == (tag, head, "First")


def test_what_git_does_not_know_is_unknown(tmp_path: Path, run_git: Git) -> None:
    head = commit(run_git, tmp_path, "First", a="1")

    assert git.commit_of(tmp_path, NEW) == ""
    assert git.message_of(tmp_path, NEW) == ""
    assert git.changed_paths(tmp_path, OLD, head) is None
    assert git.changed_paths(tmp_path, head, head) == ()
    assert git.commit_of(NOWHERE, head) == ""


def test_too_many_or_unreadable_paths_are_unknown(
    tmp_path: Path, run_git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commit(run_git, tmp_path, "First")
    second = commit(run_git, tmp_path, "Second", a="1", b="1")
    (tmp_path / "\udcff").write_text("a name that is not UTF-8")
    third = commit(run_git, tmp_path, "Third")

    assert git.changed_paths(tmp_path, first, second) == ("a", "b")
    assert git.changed_paths(tmp_path, second, third) is None
    monkeypatch.setattr(git, "MAX_PATHS", 1)
    assert git.changed_paths(tmp_path, first, second) is None


def test_a_git_that_hangs_is_a_git_that_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(git, "TIMEOUT", 0.1)

    assert git.changed_paths(tmp_path, OLD, NEW) is None
