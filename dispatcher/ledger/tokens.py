"""API tokens: created, found by what a caller sends, listed, revoked.

A token has 256 random bits, so that its SHA-256 is as good as a slow hash, and one command finds it by that.
"""

from __future__ import annotations

import hashlib
import secrets

from dispatcher.domain.access import Token
from dispatcher.ledger.codec import decode, encode
from dispatcher.ledger.connection import texts
from dispatcher.ledger.store import Store

PREFIX = "gd_"
"""Of every token, so that scanners for leaked secrets can find one."""


class Tokens:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys = store, store.keys

    def create(self, token: Token) -> str | None:
        """Keeps it, and returns what the caller has to send; None if one with its name is valid."""
        text = PREFIX + secrets.token_urlsafe(32)
        now = self._store.now()
        for known_by, known in self._all().items():
            if known.expired(now):
                self._store.write(("HDEL", self._keys.tokens, known_by))
            elif known.name == token.name:
                return None
        self._store.write(("HSET", self._keys.tokens, digest(text), encode(token)))
        return text

    def find(self, sent: str) -> Token | None:
        """The token that was sent, if it is valid. One round trip."""
        return self.of_digest(digest(sent)) if sent.startswith(PREFIX) else None

    def of_digest(self, of: str) -> Token | None:
        """The token of that SHA-256, if it is valid. One round trip."""
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            pipeline.hget(self._keys.tokens, of)
            pipeline.time()
            raw, (seconds, micros) = pipeline.execute()
        now = int(seconds) * 1000 + int(micros) // 1000
        token = decode(texts([raw])[0], Token) if raw else None
        return None if token is None or token.expired(now) else token

    def list(self) -> list[Token]:
        """All that are kept, by name; expired ones are kept until another is created."""
        return sorted(self._all().values(), key=lambda token: token.name)

    def revoke(self, name: str) -> bool:
        """It is valid no more; False if there is none of that name."""
        digests = [each for each, token in self._all().items() if token.name == name]
        self._store.write(*(("HDEL", self._keys.tokens, each) for each in digests))
        return bool(digests)

    def _all(self) -> dict[str, Token]:
        found = self._store.fields(self._keys.tokens)
        return {each: decode(raw, Token) for each, raw in found.items()}


def digest(text: str) -> str:
    """SHA-256 of what a caller sends: all that is kept of it."""
    return hashlib.sha256(text.encode()).hexdigest()
