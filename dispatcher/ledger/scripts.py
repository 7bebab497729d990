"""Runs the Lua scripts by their digest, many in one round trip, and loads them where the server lacks them.

A watcher's scripts are fenced: each compares the caller's token with the leader's before it does anything.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple, TypeAlias

import msgspec
import redis
from redis.exceptions import NoScriptError, ResponseError

from dispatcher.domain.errors import LeadershipLost, LedgerUnavailable
from dispatcher.ledger.connection import translated, unavailable

Argument: TypeAlias = str | int | bytes | msgspec.Struct
"""A struct is sent as one JSON document, whose fields the script reads by their names."""
AT_ONCE = 1_000
"""Most scripts in one round trip."""

_INCLUDES = re.compile(r"^-- Includes: (.+)$", re.MULTILINE)


class Call(NamedTuple):
    """One run of a script: its file's name, keys and arguments."""

    script: str
    keys: Sequence[str]
    args: Sequence[Argument]


@dataclass(frozen=True)
class FencingToken:
    """Scripts run only while this token is the leader's."""

    key: str
    """The key that holds the leader's token."""
    token: str
    lease: int
    """Milliseconds for which each script renews the leadership."""


@cache
def source(name: str, fenced: bool = False) -> str:
    """A script's text, after all that it includes; if `fenced`, inside the fence."""
    own = text(name)
    if fenced:
        own = f"local function script(KEYS, ARGV)\n{own}\nend\n{text('_fence')}"
    return "\n".join([*map(text, included(name)), own])


def text(part: str) -> str:
    """The text of one Lua file."""
    return (files("dispatcher.ledger") / "lua" / f"{part}.lua").read_text()


def included(part: str) -> list[str]:
    """The includes that its header names, each once and after its own includes."""
    header = _INCLUDES.search(text(part))
    direct = header[1].split(", ") if header else []
    return list(dict.fromkeys(each for name in direct for each in (*included(name), name)))


@cache
def digest(name: str, fenced: bool = False) -> str:
    return hashlib.sha1(source(name, fenced).encode(), usedforsecurity=False).hexdigest()


class Scripts:
    """Runs scripts on one client. Raises LedgerUnavailable and, behind a fence, LeadershipLost."""

    def __init__(self, client: redis.Redis, token: FencingToken | None = None) -> None:
        self._client, self._token = client, token

    def fenced(self, token: FencingToken) -> Scripts:
        return type(self)(self._client, token)

    def run(self, script: str, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        return self.run_many([Call(script, keys, args)])[0]

    def run_many(self, calls: Sequence[Call]) -> list[Any]:
        """One reply for each call, in one round trip; the first error of any is raised."""
        replies = self.run_each(calls)
        for reply in replies:
            if isinstance(reply, LedgerUnavailable):
                raise reply
        return replies

    def run_each(self, calls: Sequence[Call]) -> list[Any]:
        """Like `run_many`, but a call that failed has its LedgerUnavailable in place of a reply.

        More than AT_ONCE calls take several round trips, so that they block neither Redis nor the lease for
        long.
        """
        return [
            reply
            for first in range(0, len(calls), AT_ONCE)
            for reply in self._run(calls[first : first + AT_ONCE])
        ]

    def _run(self, calls: Sequence[Call]) -> list[Any]:
        with translated(self._client):
            replies = self._send(calls)
            missing = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            if missing:
                self._load({calls[at].script for at in missing})
                for at, reply in zip(
                    missing, self._send([calls[at] for at in missing]), strict=True
                ):
                    replies[at] = reply
        if lost := next(filter(_says_lost, replies), None):
            raise LeadershipLost(str(lost).partition(" ")[2])
        return [
            unavailable(self._client, reply) if isinstance(reply, Exception) else reply
            for reply in replies
        ]

    def _send(self, calls: Sequence[Call]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for call in calls:
            keys, args = self._in_full(call)
            sent = map(_encoded, args)
            pipeline.evalsha(digest(call.script, bool(self._token)), len(keys), *keys, *sent)
        return pipeline.execute(raise_on_error=False)

    def _in_full(self, call: Call) -> tuple[Sequence[str], Sequence[Argument]]:
        if self._token is None:
            return call.keys, call.args
        return (self._token.key, *call.keys), (self._token.token, self._token.lease, *call.args)

    def _load(self, names: set[str]) -> None:
        for name in sorted(names):
            self._client.script_load(source(name, bool(self._token)))


def _encoded(argument: Argument) -> str | int | bytes:
    return msgspec.json.encode(argument) if isinstance(argument, msgspec.Struct) else argument


def _says_lost(reply: Any) -> bool:
    return isinstance(reply, ResponseError) and str(reply).startswith("FENCED")
