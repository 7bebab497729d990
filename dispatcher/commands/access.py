"""Where the API is, and the token for it: from options, the environment, or the file that `up` writes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dispatcher.domain.errors import UsageError
from dispatcher.domain.secret import Secret
from dispatcher.files import secret_from_file

URL = "DISPATCHER_URL"
TOKEN = "DISPATCHER_API_TOKEN"  # noqa: S105  # a variable's name
TOKEN_FILE = f"{TOKEN}_FILE"
DEFAULT_URL = "http://127.0.0.1:8000"
STATE_DIR = Path(".dispatcher")
CLIENT_FILE = "client.json"


@dataclass(frozen=True)
class Access:
    """An API's URL and the token for it; an empty token is not sent."""

    url: str
    token: Secret


class _ClientFile(msgspec.Struct, frozen=True):
    """What `git-dispatcher up` writes for the commands."""

    url: str
    token: str


def find_access(
    environ: Mapping[str, str],
    *,
    url: str | None = None,
    token_file: Path | None = None,
    state_dir: Path | None = None,
    cwd: Path | None = None,
) -> Access:
    """Options first, then `--state-dir`, the environment, `.dispatcher/` in `cwd`, the default.

    A state directory's token is sent to that directory's URL only. A token that the user names is never sent
    to the URL of a directory that the user did not name. Raises UsageError.
    """
    is_named = bool(
        url or token_file or any(environ.get(name) for name in (URL, TOKEN, TOKEN_FILE))
    )
    found = None
    if state_dir:
        found = _from_state(state_dir, needed=True)
    elif not is_named:
        found = _from_state((cwd or Path()) / STATE_DIR, needed=False)
    if found and not url:
        return Access(found.url, _from_file(token_file) if token_file else found.token)
    where = url or environ.get(URL) or DEFAULT_URL
    return Access(where, _from_file(token_file) if token_file else _from_environment(environ))


def _from_environment(environ: Mapping[str, str]) -> Secret:
    text, file = environ.get(TOKEN, ""), environ.get(TOKEN_FILE, "")
    if text and file:
        raise UsageError(f"{TOKEN} is set, and so is {TOKEN_FILE}: keep one of them")
    return _from_file(Path(file)) if file else Secret(text.strip().encode(), TOKEN)


def _from_file(path: Path) -> Secret:
    try:
        secret = secret_from_file(path)
    except ValueError as error:
        raise UsageError(f"the token: {error}") from None
    return Secret(secret.reveal().strip(), secret.source)


def _from_state(folder: Path, *, needed: bool) -> Access | None:
    file = folder / CLIENT_FILE
    try:
        if not needed and file.stat().st_uid != os.getuid():
            raise UsageError(
                f"{file} was made by another user; say which API is meant with --state-dir or --url"
            )
        found = msgspec.json.decode(file.read_bytes(), type=_ClientFile)
    except OSError as error:
        if not needed:
            return None
        raise UsageError(
            f"{file} cannot be read ({error.strerror}): is `git-dispatcher up` running there?"
        ) from None
    except msgspec.DecodeError:
        raise UsageError(f"{file} is broken: start `git-dispatcher up` again") from None
    return Access(found.url, Secret(found.token.encode(), str(file)))
