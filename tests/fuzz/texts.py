"""Small texts: addresses, names of repositories, patterns, saved deliveries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from dispatcher.commands.saved_requests import read_saved
from dispatcher.config.networks import network, proxies
from dispatcher.domain.errors import UsageError
from dispatcher.domain.repositories import UnusableRepository, normalize_repository
from dispatcher.http.client_address import FORWARDED, X_FORWARDED_FOR, Proxies, address, group
from dispatcher.matching.globs import Rules, mistakes
from dispatcher.matching.semver import UnusableRange, version_of
from dispatcher.matching.tags import tag_mistakes, tag_rules, version_hint
from tests.fuzz import deliveries
from tests.fuzz.target import Target, pure

OURS = tuple(map(network, ("10.0.0.0/8", "fd00::/8")))


def text(data: bytes) -> str:
    """Also half surrogates, which JSON can carry."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def repository(data: bytes) -> None:
    """An identity is its own identity."""
    try:
        identity = normalize_repository(text(data))
    except UnusableRepository:
        return
    assert normalize_repository(identity) == identity
    assert identity == identity.lower()


def globs(data: bytes) -> None:
    """Patterns, and below an empty line a name."""
    head, _, name = text(data).partition("\n\n")
    patterns = head.split("\n")
    list(mistakes(patterns))
    list(mistakes(patterns, refs=True))
    rules = Rules(patterns)
    assert rules.judge(name)[0] == rules.wants(name)


def tags(data: bytes) -> None:
    """Patterns without a mistake can be used."""
    head, _, tag = text(data).partition("\n\n")
    patterns = head.split("\n")
    mistaken = list(tag_mistakes(patterns))
    version_of(tag)
    try:
        rules = tag_rules(patterns)
        assert rules.judge(tag)[0] == rules.wants(tag)
        version_hint(patterns, tag)
    except UnusableRange:
        assert mistaken


def addresses(data: bytes) -> None:
    """The holder of the connection, then lines of headers."""
    peer, *values = data.split(b"\n")
    for header in (X_FORWARDED_FOR, FORWARDED):
        headers = [(header.encode(), value) for value in values]
        sender = Proxies(OURS, header).sender(peer.decode("latin-1"), headers)
        if sender is not None:
            assert address(str(sender)) == sender
            assert group(sender)


def networks(data: bytes) -> None:
    for read in (network, proxies):
        with suppress(ValueError):
            read(text(data))


def saved(data: bytes) -> None:
    try:
        found = read_saved(data, ["X-Delivery-Id: 1"])
    except UsageError:
        return
    assert (b"X-Delivery-Id", b"1") in found.headers


def _repositories() -> Iterator[bytes]:
    yield from [
        b"https://github.com/acme/shop.git",
        b"git@github.com:ACME/shop.git",
        b"ssh://git@git.example.com:2222/acme/shop.git/",
        b"git@ssh.dev.azure.com:v3/acme/Web%20Shop/shop",
        b"https://acme.visualstudio.com/DefaultCollection/shop/_git/_full/shop",
        b"https://bitbucket.example.com:8443/scm/acme/shop.git",
        b"file:///srv/git/shop.git",
        b"/srv/git/shop.git",
        b"https://[2001:db8::1]:8080/a/b%2Fc",
    ]


def _globs() -> Iterator[bytes]:
    yield from [
        b"main\nrelease/*\n!release/old-*\n\nrelease/1",
        b"**/*.md\n!docs/**/internal/**\n?x\n\ndocs/a/b/c.md",
        b"github.com/acme/*\n\ngithub.com/acme/shop",
        b"**/a/**/b*c**d/**\n\nx/a/y/z/bqcrrd/s",
    ]


def _tags() -> Iterator[bytes]:
    yield from [
        b"v*\nsemver:>=1.2 <2\n\nv1.3.0",
        b"semver:^1.4 || ~2.1.x || 3.*\n!semver:1.5.0\n\n1.5.0-rc.1+build.7",
        b"semver:>=1.0.0-alpha.1\n\nv1.0.0-beta",
    ]


def _addresses() -> Iterator[bytes]:
    yield from [
        b"10.0.0.1\n192.0.2.1, 10.0.0.2",
        b'10.0.0.1\nfor=192.0.2.60;proto=http;by=203.0.113.43, for="[2001:db8::1]:4711"',
        b'fd00::1\nfor=_hidden, for="\\u\\"x"\n::ffff:10.1.1.1',
        b"10.0.0.1\n[2001:db8::1]:80,192.0.2.1:4711, fe80::1%eth0, unknown",
    ]


def _networks() -> Iterator[bytes]:
    yield from [b"192.30.252.0/22", b"2606:50c0::/32", b"10.0.0.0/8, fd00::/8", b"::ffff:0:0/96"]


def _saved() -> Iterator[bytes]:
    yield from deliveries.all_seeds()
    yield b"Request URL: https://x/webhooks/github\nRequest method: POST\ncontent-type: a/b\n\n{}"
    yield b"POST /webhooks/team-b?x=1 HTTP/1.1\r\nHost: x\r\n\r\npayload=%7B%7D"


TARGETS: dict[str, Target] = {
    "repository": pure(repository, _repositories),
    "globs": pure(globs, _globs),
    "tags": pure(tags, _tags),
    "addresses": pure(addresses, _addresses),
    "networks": pure(networks, _networks),
    "saved": pure(saved, _saved),
}
