"""Which repository a URL means, whatever way it is spelled.

Pure. The identity is what a hook's globs, a target's `repository` and a payload are
compared by; it is never used to reach a repository.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from dispatcher.domain.errors import UsageError

MAX_LENGTH = 2048

FILE_HOST = "file"
"""Stands where a host would, for repositories on this machine's disk."""

_WEB_PORTS = {"https": "443", "http": "80"}
_SCHEMES = frozenset({"https", "http", "ssh", "git+ssh", "ssh+git", "git", FILE_HOST})

_ALIASES = {
    # The same host under the name that it answers SSH on port 443 by:
    # https://docs.github.com/en/authentication/troubleshooting-ssh/using-ssh-over-the-https-port
    "ssh.github.com": "github.com",
    # https://docs.gitlab.com/user/gitlab_com/#alternative-ssh-port
    "altssh.gitlab.com": "gitlab.com",
    # https://support.atlassian.com/bitbucket-cloud/docs/configure-ssh-and-two-step-verification/
    "altssh.bitbucket.org": "bitbucket.org",
}

# Azure Repos, under its present name and the one before, by https and by ssh:
# https://learn.microsoft.com/azure/devops/repos/git/use-ssh-keys-to-authenticate
# https://learn.microsoft.com/azure/devops/extend/develop/work-with-urls
_AZURE = "dev.azure.com"
_AZURE_SSH = re.compile(
    r"(?:ssh\.dev\.azure\.com|vs-ssh\.visualstudio\.com)"
    r"/v3/(?P<org>[^/]+)/(?P<project>[^/]+)/(?P<repo>[^/]+)",
)
_AZURE_WEB = re.compile(
    r"(?:dev\.azure\.com/(?P<org>[^/]+)/(?:defaultcollection/(?=[^/]+/_git/))?"
    r"|(?P<old_org>[a-z0-9-]+)\.visualstudio\.com/(?:defaultcollection/)?)"
    r"(?:(?P<project>[^/]+)/)?_git/(?:_full/|_optimized/)?(?P<repo>[^/]+)",
)
_SCM = re.compile(r"(?P<host>[^/]+)/(?P<scm>scm/)?(?P<path>[^/]+/[^/]+)")

_AUTHORITY = re.compile(
    r"(?:[^/]*@)?(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_][a-z0-9._-]*)(?::(?P<port>[0-9]{0,5}))?",
)
_SCP = re.compile(r"(?P<user>[^/:@]+@)?(?P<host>\[[^\]/]+\]|[^/:@\[\]]+):(?P<path>.*)")
_PORT_AND_PATH = re.compile(r"[0-9]{1,5}/.*")
_USER = re.compile(r"\A((?:https?|git)://)[^/?#]*@", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class UnusableRepository(UsageError):
    """The text names no repository; the message says how one is written, and never the text."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"{why}; write it as https://host/owner/name, ssh://git@host/owner/name or "
            "git@host:owner/name",
        )


class _Parts(NamedTuple):
    scheme: str
    authority: str
    path: str


def normalize_repository(url: str) -> str:
    """The identity of the repository that `url` names: `host[:port]/path`, in lower case.

    User info, `.git`, slashes at the end and the default ports are left out, and so are all ports
    of SSH and git://: a host that serves the web on 443 and SSH on 2222 has one repository, not two.
    Other ports of http and https stay. `file:///srv/git/shop.git` is `file/srv/git/shop`. All ways
    to a repository of Azure are `dev.azure.com/organization/project/_git/repository`. An identity is
    its own identity. Raises UnusableRepository.
    """
    text = url.strip().lower()
    if not text or len(text) > MAX_LENGTH or _CONTROL.search(text):
        raise UnusableRepository(
            f"a repository's URL has 1 to {MAX_LENGTH} characters and no control characters",
        )
    parts = _split(text)
    path = _path(parts.path)
    if parts.scheme == FILE_HOST:
        return f"{FILE_HOST}/{path}"
    return _one_of_several_ways(f"{_host(parts)}/{path}")


def without_user(url: str) -> str:
    """The same without the user and password of http, https and git://; SSH's user belongs to the address.

    Azure DevOps gives https://acme@dev.azure.com/acme/… to clone from: the name is of no use there.
    """
    return _USER.sub(r"\1", url)


def _one_of_several_ways(identity: str) -> str:
    """Where a host gives one repository several paths, the one that stands for all of them."""
    if match := _AZURE_SSH.fullmatch(identity) or _AZURE_WEB.fullmatch(identity):
        found = match.groupdict()
        organization, repository = found["org"] or found.get("old_org"), found["repo"]
        # A project's first repository has its name, and then a shorter address.
        return f"{_AZURE}/{organization}/{found['project'] or repository}/_git/{repository}"
    return identity


def with_scm(identity: str) -> tuple[str, ...]:
    """Both identities of a repository of Bitbucket Data Center, whose https paths begin with scm/ and whose
    ssh paths don't: first the one without. On any other host `scm` is a name like others: only its provider
    may ask for this.

    https://confluence.atlassian.com/bitbucketserver/clone-a-repository-790632786.html
    """
    match = _SCM.fullmatch(identity)
    if match is None:
        return (identity,)
    return f"{match['host']}/{match['path']}", f"{match['host']}/scm/{match['path']}"


def pattern_with_scm(pattern: str) -> tuple[str, ...]:
    """The same of a pattern of `repositories`."""
    host, slash, path = pattern.partition("/")
    return (pattern, f"{host}/scm/{path}") if slash else (pattern,)


def _split(text: str) -> _Parts:
    scheme, separator, rest = text.partition("://")
    if separator and "/" not in scheme:
        if scheme not in _SCHEMES:
            raise UnusableRepository("the URL's scheme is none that Git hosts use")
        authority, _, path = rest.partition("/")
        return _Parts(scheme, authority, path)
    if text.startswith("/"):
        return _Parts(FILE_HOST, "", text)
    if scp := _scp(text):
        return scp
    authority, _, path = text.partition("/")
    return _Parts("", authority, path)


def _scp(text: str) -> _Parts | None:
    """`git@host:owner/name`; but `host:8080/owner/name`, without a user, is an identity."""
    match = _SCP.fullmatch(text)
    if match is None or (not match["user"] and _PORT_AND_PATH.fullmatch(match["path"])):
        return None
    return _Parts("ssh", match["host"], match["path"])


def _host(parts: _Parts) -> str:
    match = _AUTHORITY.fullmatch(parts.authority)
    if match is None:
        raise UnusableRepository(
            "the URL's host or port is not valid (an international host name is written as xn--…)",
        )
    host = match["host"].rstrip(".")
    if host == FILE_HOST and parts.scheme:
        raise UnusableRepository(f"a host cannot be called {FILE_HOST!r} here")
    return _ALIASES.get(host, host) + _port(parts.scheme, match["port"] or "")


def _port(scheme: str, port: str) -> str:
    kept = port and scheme in ("", *_WEB_PORTS) and port != _WEB_PORTS.get(scheme)
    return f":{port}" if kept else ""


def _path(raw: str) -> str:
    if "?" in raw or "#" in raw:
        raise UnusableRepository("a repository's URL has no query and no fragment")
    path = _without_suffix([part for part in _decoded(raw).split("/") if part])
    if not path:
        raise UnusableRepository("the URL names a host, but no repository on it")
    if path[-1].isspace() or {".", ".."} & set(path.split("/")):
        raise UnusableRepository("the URL's path holds `.` or `..`, or ends with white space")
    # Kept encoded: what would read differently the next time.
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _decoded(raw: str) -> str:
    try:
        path = unquote(raw, errors="strict").lower()
    except UnicodeDecodeError:
        raise UnusableRepository("the URL's percent-encoding is not UTF-8") from None
    if _CONTROL.search(path):
        raise UnusableRepository("the URL's path holds control characters")
    return path


def _without_suffix(parts: list[str]) -> str:
    while parts and parts[-1].endswith(".git"):
        last = parts.pop().removesuffix(".git")
        if last:
            parts.append(last)
    return "/".join(parts)
