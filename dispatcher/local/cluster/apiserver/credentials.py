"""The cluster's credentials: certificate, token, and the kubeconfig that holds both.

They are in the state directory, readable by its owner only, and the next start uses them again, so
that a kubeconfig stays valid. No other module touches these files.
"""

import base64
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import trustme

CONTEXT = "git-dispatcher-local"

_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Paths of the server's files, and the token that it accepts."""

    authority: Path
    certificate: Path
    key: Path
    token: str

    def accepts(self, header: str) -> bool:
        """Whether an Authorization header carries the token; takes the same time either way."""
        return hmac.compare_digest(header.encode(), f"Bearer {self.token}".encode())


def load(directory: Path) -> Credentials:
    """The state directory's credentials; creates those that are missing."""
    token = directory / "token"
    if not token.exists():
        write_private(token, secrets.token_urlsafe(32).encode())
    found = Credentials(
        authority=directory / "ca.crt",
        certificate=directory / "server.crt",
        key=directory / "server.key",
        token=token.read_text().strip(),
    )
    if not all(path.exists() for path in (found.authority, found.certificate, found.key)):
        _make_certificates(found)
    return found


def write_private(path: Path, content: bytes) -> None:
    """Replaces a file in one step; only its owner may read it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)


def write_kubeconfig(path: Path, url: str, credentials: Credentials) -> None:
    """A kubeconfig is YAML, and JSON is YAML."""
    authority = base64.b64encode(credentials.authority.read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [
            {
                "name": CONTEXT,
                "cluster": {"server": url, "certificate-authority-data": authority},
            }
        ],
        "users": [{"name": CONTEXT, "user": {"token": credentials.token}}],
        "contexts": [
            {
                "name": CONTEXT,
                "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": "default"},
            }
        ],
    }
    write_private(path, json.dumps(config, indent=2).encode())


def _make_certificates(credentials: Credentials) -> None:
    """An authority signs one certificate for this machine; the authority's key is not kept. Both are valid
    until the year 3000, trustme's default.
    """
    authority = trustme.CA(organization_name=CONTEXT, path_length=0)
    server = authority.issue_cert(*_NAMES, common_name=CONTEXT, organization_name=CONTEXT)
    write_private(credentials.authority, authority.cert_pem.bytes())
    write_private(credentials.certificate, server.cert_chain_pems[0].bytes())
    write_private(credentials.key, server.private_key_pem.bytes())
