"""`git-dispatcher notify`: the post-receive hook of a plain Git server, which reports each push.

Reads the ref updates that Git writes to the hook, sends them as a delivery of the generic provider, and
prints the result, which Git shows to the person who pushed as `remote: …`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import httpx
import msgspec

from dispatcher.domain.errors import UsageError
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.refs import ZEROS, is_branch_or_tag, short_ref
from dispatcher.domain.repositories import normalize_repository, without_user
from dispatcher.notify import git
from dispatcher.webhooks.authentication import signature
from dispatcher.webhooks.providers.generic import DELIVERY, MAX_REFS, SIGNATURE, Payload, Ref

DELIVERED = 0
USAGE = 2
REFUSED = 3
UNREACHABLE = 4
"""Exit codes: accepted, wrong input or options, rejected, no answer after all attempts."""

TIMEOUT = 5.0
"""Time-out of one attempt; seconds."""
PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts, unless the answer's Retry-After asks for more."""
TOTAL = 25.0
"""Seconds after which no further attempt begins: the person who pushes is waiting."""

DETAILED = 50
"""Most refs of a push for which Git lists changed paths; a mirror pushes thousands."""
SHOWN = 20
"""Most lines of results that are printed."""

_NAME = r"([0-9a-f]{40}(?:[0-9a-f]{24})?)"
_LINE = re.compile(rf"{_NAME} {_NAME} (refs/[^\x00-\x20\x7f-\x9f\ud800-\udfff]+)")

_SENTENCES: Mapping[str, str] = {
    Outcome.ACCEPTED: "{deploy} deploys it",
    Outcome.COALESCED: "{deploy} deploys it instead of the commit that was waiting",
    Outcome.DUPLICATE: "{target} already has it: {reason}",
    Outcome.UNCHANGED: "{target} needs no deploy: {reason}",
    Outcome.STALE: "{target} doesn't deploy it: {reason}",
    Outcome.FILTERED: "{target} doesn't deploy it: {reason}",
    Outcome.HELD: "{target} doesn't deploy it now: {reason}",
    Outcome.REJECTED: "{target} doesn't deploy it: {reason}",
}


class Update(NamedTuple):
    """One line of a post-receive hook's input: an updated ref."""

    before: str
    after: str
    ref: str


class Reply(NamedTuple):
    """Web's answer. `status` is 0 if there was none, and `text` then says why."""

    status: int
    text: str
    retry_after: float = 0.0

    @property
    def temporary(self) -> bool:
        return self.status in (0, 408, 429) or self.status >= 500

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300


def read_refs(text: str) -> tuple[Update, ...]:
    """The updates in a post-receive hook's input, in Git's order.

    https://git-scm.com/docs/githooks#post-receive. Raises UsageError with the line's number.
    """
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    return tuple(_update(n, line) for n, line in lines)


def _update(number: int, line: str) -> Update:
    match = _LINE.fullmatch(line.strip())
    if match is None:
        raise UsageError(
            f"line {number} of the input is not `old new ref`: run this as a post-receive hook, "
            "which gets that from Git",
        )
    return Update(*match.groups())


def describe(update: Update, *, repository: Path, pushed_at: int) -> Ref:
    """An update with commit, message and paths from the local repository; `pushed_at` in milliseconds."""
    plain = brief(update, pushed_at=pushed_at)
    commit = "" if update.after in ZEROS else git.commit_of(repository, update.after)
    if not commit:
        return plain
    return msgspec.structs.replace(
        plain,
        commit=commit,
        message=git.message_of(repository, commit)[:4000],
        paths=_paths(update, repository),
    )


def _paths(update: Update, repository: Path) -> tuple[str, ...] | None:
    known = update.before not in ZEROS and update.ref.startswith("refs/heads/")
    return git.changed_paths(repository, update.before, update.after) if known else None


def brief(update: Update, *, pushed_at: int) -> Ref:
    return Ref(ref=update.ref, before=update.before, after=update.after, pushed_at=pushed_at)


def payload(repository: str, refs: Iterable[Ref], pusher: str = "") -> bytes:
    """The body of a delivery, as docs/hooks.md describes it."""
    name = pusher.encode("utf-8", "replace").decode()
    body = Payload(repository=repository, pusher=name or None, refs=tuple(refs))
    return msgspec.json.encode(body)


def sign(body: bytes, secret: bytes, delivery_id: str) -> dict[str, str]:
    """The headers of a delivery."""
    return {
        "Content-Type": "application/json",
        SIGNATURE: signature(body, secret),
        DELIVERY: delivery_id,
    }


def post(
    client: httpx.Client,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    sleep: Callable[[float], None],
    now: Callable[[], float],
) -> Reply:
    """Posts until an answer is not temporary, and returns the last one. All attempts have the same ID.

    Raises UsageError for an invalid URL.
    """
    ends = now() + TOTAL
    reply = _attempt(client, url, body, headers)
    for pause in PAUSES:
        wait = max(pause, reply.retry_after)
        if not reply.temporary or now() + wait >= ends:
            return reply
        sleep(wait)
        reply = _attempt(client, url, body, headers)
    return reply


def _attempt(client: httpx.Client, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
    try:
        response = client.post(url, content=body, headers=headers)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
        raise UsageError(
            "the URL is not one of http or https: https://host/webhooks/name"
        ) from None
    except httpx.HTTPError as error:
        return Reply(0, str(error) or type(error).__name__)
    return Reply(response.status_code, response.text, _seconds(response.headers.get("Retry-After")))


def _seconds(value: str | None) -> float:
    return float(value) if value and value.isascii() and value.isdigit() else 0.0


def run(
    stdin_text: str,
    *,
    url: str,
    repository: str,
    secret: bytes,
    cwd: Path,
    echo: Callable[[str], None],
    sleep: Callable[[float], None],
    now: Callable[[], float],
    pusher: str = "",
    transport: httpx.BaseTransport | None = None,
) -> int:
    """Reports a push and returns the exit code: one of DELIVERED, USAGE, REFUSED, UNREACHABLE.

    `repository` is its URL as the targets have it, `now` is in seconds since the epoch, and `echo`
    gets one line for each result. The refs of one push are one delivery, unless there are more than
    MAX_REFS.
    """
    codes = [DELIVERED]
    try:
        bodies = _bodies(stdin_text, repository, cwd, pusher, pushed_at=int(now() * 1000))
        if not secret:
            raise UsageError("the secret is empty: use the one that the hook is configured with")
        with _client(transport) as client:
            for body in bodies:
                headers = sign(body, secret, uuid4().hex)
                reply = post(client, url, body, headers, sleep=sleep, now=now)
                codes.append(_print_results(reply, echo))
    except UsageError as error:
        echo(f"git-dispatcher: {_plain(str(error))}")
        return USAGE
    return max(codes)


def _client(transport: httpx.BaseTransport | None) -> httpx.Client:
    try:
        return httpx.Client(timeout=TIMEOUT, transport=transport)
    except (OSError, ValueError) as error:
        raise UsageError(f"the environment's TLS or proxy settings are unusable: {error}") from None


def _bodies(
    stdin_text: str,
    repository: str,
    cwd: Path,
    pusher: str,
    *,
    pushed_at: int,
) -> list[bytes]:
    normalize_repository(repository)
    updates = [update for update in read_refs(stdin_text) if is_branch_or_tag(update.ref)]
    refs = _refs(updates, cwd, pushed_at=pushed_at)
    parts = [refs[start : start + MAX_REFS] for start in range(0, len(refs), MAX_REFS)]
    return [payload(without_user(repository), part, pusher) for part in parts]


def _refs(updates: Sequence[Update], cwd: Path, *, pushed_at: int) -> list[Ref]:
    detailed = [describe(u, repository=cwd, pushed_at=pushed_at) for u in updates[:DETAILED]]
    return detailed + [brief(update, pushed_at=pushed_at) for update in updates[DETAILED:]]


def _print_results(reply: Reply, echo: Callable[[str], None]) -> int:
    lines = results(reply)
    for line in lines[:SHOWN]:
        echo(f"git-dispatcher: {_plain(line)}")
    if len(lines) > SHOWN:
        echo(f"git-dispatcher: and {len(lines) - SHOWN} more")
    if reply.taken:
        return DELIVERED
    return UNREACHABLE if reply.temporary else REFUSED


class _Result(msgspec.Struct, frozen=True):
    target: str
    ref: str
    outcome: str
    commit: str = ""
    deploy: str = ""
    reason: str = ""


class _Answer(msgspec.Struct, frozen=True):
    """Web's answer to a delivery, or its error: a problem by RFC 9457."""

    results: tuple[_Result, ...] = ()
    reason: str = ""
    detail: str = ""


def results(reply: Reply) -> list[str]:
    """One line for each result of a delivery, for people."""
    try:
        answer = msgspec.json.decode(reply.text, type=_Answer)
    except (msgspec.DecodeError, RecursionError):
        answer = _Answer()
    if not reply.taken:
        return [_failure(reply, answer.detail)]
    if answer.results:
        return [_result(result) for result in answer.results]
    reason = answer.reason
    return [f"nothing to deploy: {reason}" if reason else "no target deploys this push"]


def _result(result: _Result) -> str:
    sentence = _SENTENCES.get(result.outcome, "{target}: {outcome} {reason}")
    what = sentence.format_map(msgspec.structs.asdict(result))
    return f"{short_ref(result.ref)} {result.commit[:8]}: {what}"


def _failure(reply: Reply, message: str) -> str:
    if not reply.status:
        remedy = "check --url, and that web runs there; run it again with the same input to report the push"
        return f"not delivered: no answer ({reply.text[:100]}): {remedy}"
    if 300 <= reply.status < 400:
        message = "the URL redirects: use the one that it redirects to"
    elif reply.status == 401 and message:
        # Web answers the same for a missing hook and a wrong secret.
        message = (
            "the hook does not have the secret in --secret-file, or --url names no hook: check both"
        )
    elif reply.status in (404, 405):
        message = "--url is not the address of a hook: write it like https://host/webhooks/name"
    elif not message:
        message = (
            "something else than git-dispatcher answered: check --url, and the proxy in front of it"
        )
    return f"not delivered: {reply.status}, {message}"


def _plain(text: str) -> str:
    """The text without control characters, shortened, for a terminal."""
    return "".join(char if char.isprintable() else " " for char in text)[:300]
