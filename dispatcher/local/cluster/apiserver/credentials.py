"""What lets one talk to the cluster: certificate, token and the kubeconfig that carries both.

All of it lies in the state directory, readable by its owner only, and is used again at the next
start, so that a kubeconfig stays valid. The only place that touches these files.
"""

import base64
import hmac
import ipaddress
import json
import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CONTEXT = "git-dispatcher-local"

_VALIDITY = timedelta(days=3650)
_RENEW_BEFORE = timedelta(days=30)


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


def load(directory: Path, now: datetime) -> Credentials:
    """The state directory's credentials; what is missing or runs out is made anew."""
    token = directory / "token"
    if not token.exists():
        write_private(token, secrets.token_urlsafe(32).encode())
    found = Credentials(
        authority=directory / "ca.crt",
        certificate=directory / "server.crt",
        key=directory / "server.key",
        token=token.read_text().strip(),
    )
    if not _is_usable(found, now):
        _make_certificates(found, now)
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


def _is_usable(credentials: Credentials, now: datetime) -> bool:
    files = (credentials.authority, credentials.certificate, credentials.key)
    if not all(path.exists() for path in files):
        return False
    certificate = x509.load_pem_x509_certificate(credentials.certificate.read_bytes())
    return certificate.not_valid_after_utc > now + _RENEW_BEFORE


def _make_certificates(credentials: Credentials, now: datetime) -> None:
    """An authority that signs one certificate and is then forgotten."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    authority = _authority(authority_key, now)
    server = _server(server_key.public_key(), authority, authority_key, now)
    pem = serialization.Encoding.PEM
    private = server_key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(credentials.authority, authority.public_bytes(pem))
    write_private(credentials.certificate, server.public_bytes(pem))
    write_private(credentials.key, private)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: str, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_named(subject))
        .issuer_name(_named(f"{CONTEXT} authority"))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALIDITY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    return (
        _builder(f"{CONTEXT} authority", key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _server(
    key: ec.EllipticCurvePublicKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    names = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _builder(CONTEXT, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
