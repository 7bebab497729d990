"""Who is signed in to the dashboard, the one-time links that sign in, and how often a sign-in failed.

A cookie and a link hold 256 random bits each; the ledger keeps their SHA-256 only.
"""

from __future__ import annotations

import secrets

from dispatcher.domain.access import Session
from dispatcher.ledger.codec import decode, encode
from dispatcher.ledger.connection import texts
from dispatcher.ledger.store import Store
from dispatcher.ledger.tokens import digest

CODE_BYTES = 32


class Sessions:
    """Raises LedgerUnavailable."""

    def __init__(self, store: Store, seconds: int = 12 * 3600) -> None:
        """`seconds` after a sign-in a session ends."""
        self._store, self._keys, self.seconds = store, store.keys, seconds

    def start(self, *, token: str = "", user: str = "") -> tuple[str, Session]:
        """Signs in with an API token, named by its SHA-256, or as a proxy's user: what the cookie holds, and
        the session."""
        code = secrets.token_urlsafe(CODE_BYTES)
        session = Session(csrf=secrets.token_urlsafe(CODE_BYTES), token=token, user=user)
        key = self._keys.session(digest(code))
        self._store.write(("SET", key, encode(session), "EX", self.seconds))
        return code, session

    def find(self, code: str) -> Session | None:
        with self._store.redis() as client:
            raw = client.get(self._keys.session(digest(code)))
        return decode(texts([raw])[0], Session) if raw else None

    def end(self, code: str) -> None:
        self._store.write(("DEL", self._keys.session(digest(code))))

    def link(self, token: str) -> str:
        """The code of a link that signs in once with the token of that SHA-256."""
        code = secrets.token_urlsafe(CODE_BYTES)
        expires = self._store.retention.sign_in_link
        self._store.write(("SET", self._keys.sign_in_link(digest(code)), token, "EX", expires))
        return code

    def use_link(self, code: str) -> str:
        """SHA-256 of the token that the link signs in with; "" if the link is unknown, expired or used."""
        with self._store.redis() as client:
            found = client.getdel(self._keys.sign_in_link(digest(code)))
        return texts([found])[0] if found else ""


class SignInFailures:
    """Limits how often somebody may try from one address. Raises LedgerUnavailable."""

    def __init__(self, store: Store, most: int) -> None:
        """`most` in a window (`Retention.auth_failures`); 0 for no limit."""
        self._store, self._most = store, most

    def wait(self, address: str) -> int:
        """Milliseconds until the address may try again; 0 if it may now."""
        key = self._store.keys.sign_in_failures(address)
        with self._store.redis() as client:
            pipeline = client.pipeline(transaction=False)
            pipeline.get(key)
            pipeline.pttl(key)
            failed, left = pipeline.execute()
        exceeded = self._most and int(failed or 0) >= self._most
        return max(int(left), 1) if exceeded else 0

    def count(self, address: str) -> None:
        key, window = (
            self._store.keys.sign_in_failures(address),
            self._store.retention.auth_failures,
        )
        self._store.write(("SET", key, 0, "PX", window, "NX"), ("INCR", key))
