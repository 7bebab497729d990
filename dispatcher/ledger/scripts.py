"""Runs the Lua scripts by their digest, many in one round trip, and loads them where the server lacks them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple, TypeAlias

import redis
from redis.exceptions import NoScriptError

from dispatcher.errors import LedgerUnavailable
from dispatcher.ledger.connection import translated, unavailable

Argument: TypeAlias = str | int | bytes


class Call(NamedTuple):
    """One run of a script: its file's name, keys and arguments."""

    script: str
    keys: Sequence[str]
    args: Sequence[Argument]


@cache
def source(name: str) -> str:
    """A script's text, the common parts in front."""
    folder = files("dispatcher.ledger") / "lua"
    parts = ("_common", "_places", name) if name in ("place", "call") else ("_common", name)
    return "\n".join((folder / f"{part}.lua").read_text() for part in parts)


@cache
def digest(name: str) -> str:
    return hashlib.sha1(source(name).encode(), usedforsecurity=False).hexdigest()


class Scripts:
    """Runs scripts on one client. Raises LedgerUnavailable."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

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
        """The same, but a call that failed by itself has its LedgerUnavailable in place of a reply."""
        with translated(self._client):
            replies = self._send(calls)
            missing = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            if missing:
                self._load({calls[at].script for at in missing})
                for at, reply in zip(
                    missing, self._send([calls[at] for at in missing]), strict=True
                ):
                    replies[at] = reply
        return [
            unavailable(self._client, reply) if isinstance(reply, Exception) else reply
            for reply in replies
        ]

    def _send(self, calls: Sequence[Call]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for call in calls:
            pipeline.evalsha(digest(call.script), len(call.keys), *call.keys, *call.args)
        return pipeline.execute(raise_on_error=False)

    def _load(self, names: set[str]) -> None:
        for name in sorted(names):
            self._client.script_load(source(name))
