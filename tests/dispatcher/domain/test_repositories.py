"""A repository has one identity, however its URL is spelled."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.repositories import (
    MAX_LENGTH,
    UnusableRepository,
    normalize_repository,
    pattern_with_scm,
    with_scm,
)

NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,12}[a-z0-9]", fullmatch=True).filter(
    lambda name: not name.endswith(".git"),
)
HOSTS = st.from_regex(r"[a-z][a-z0-9]{0,8}(\.[a-z][a-z0-9]{0,8}){1,2}", fullmatch=True)
PATHS = st.lists(NAMES, min_size=2, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        ("https://github.com/acme/shop", "github.com/acme/shop"),
        ("https://github.com/Acme/Shop.git", "github.com/acme/shop"),
        ("https://github.com:443/acme/shop/", "github.com/acme/shop"),
        ("http://github.com:80/acme/shop", "github.com/acme/shop"),
        ("https://user:p%40ss@github.com/acme/shop", "github.com/acme/shop"),
        ("git@github.com:acme/shop.git", "github.com/acme/shop"),
        ("github.com:acme/shop", "github.com/acme/shop"),
        ("git@github.com:/acme/shop.git", "github.com/acme/shop"),
        ("ssh://git@github.com/acme/shop.git", "github.com/acme/shop"),
        ("ssh://git@github.com:2222/acme/shop.git", "github.com/acme/shop"),
        ("git+ssh://git@github.com:22/acme/shop.git", "github.com/acme/shop"),
        ("git://github.com:9418/acme/shop.git", "github.com/acme/shop"),
        ("ssh://git@ssh.github.com:443/acme/shop.git", "github.com/acme/shop"),
        ("https://github.com./acme//shop.git/", "github.com/acme/shop"),
        ("  https://github.com/acme/shop\n", "github.com/acme/shop"),
        ("https://git.example.com:8443/acme/shop", "git.example.com:8443/acme/shop"),
        ("http://git.example.com:443/acme/shop", "git.example.com:443/acme/shop"),
        ("git.example.com:8443/acme/shop", "git.example.com:8443/acme/shop"),
        ("git@git.example.com:8443/shop", "git.example.com/8443/shop"),
        ("https://gitlab.com/acme/team/shop.git", "gitlab.com/acme/team/shop"),
        (
            "https://dev.azure.com/acme/My%20Project/_git/shop",
            "dev.azure.com/acme/my project/_git/shop",
        ),
        ("https://host.example/100%25/shop", "host.example/100%25/shop"),
        ("https://host.example/a%3Fb/shop", "host.example/a%3fb/shop"),
        ("https://[2001:DB8::1]:8443/acme/shop", "[2001:db8::1]:8443/acme/shop"),
        ("git@[2001:db8::1]:acme/shop", "[2001:db8::1]/acme/shop"),
        ("https://host.example/shop", "host.example/shop"),
        ("file:///srv/git/shop.git", "file/srv/git/shop"),
        ("/srv/git/shop.git/", "file/srv/git/shop"),
        ("file:///home/ann/shop/.git", "file/home/ann/shop"),
        ("https://host.example/~ann/shop", "host.example/~ann/shop"),
        ("https://git.example.com/scm/ACME/shop.git", "git.example.com/scm/acme/shop"),
        ("http://git.example.com:7990/scm/acme/shop.git", "git.example.com:7990/scm/acme/shop"),
        ("ssh://git@git.example.com:7999/acme/shop.git", "git.example.com/acme/shop"),
        ("https://git.example.com/scm/~ann/shop.git", "git.example.com/scm/~ann/shop"),
        ("https://git.example.com/scm/shop", "git.example.com/scm/shop"),
        ("https://gitlab.com/scm/team/shop", "gitlab.com/scm/team/shop"),
        ("file:///scm/acme/shop.git", "file/scm/acme/shop"),
        ("file/scm/acme/shop", "file/scm/acme/shop"),
    ],
)
def test_every_spelling_has_its_identity(url: str, identity: str) -> None:
    assert normalize_repository(url) == identity
    assert normalize_repository(identity) == identity


@pytest.mark.parametrize(
    "url",
    [
        "",
        "   ",
        "https://github.com",
        "https://github.com/",
        "https://github.com/.git",
        "https:///acme/shop",
        "https://github.com:port/acme/shop",
        "https://github.com:123456/acme/shop",
        "https://bücher.example/acme/shop",
        "https://github.com/acme/shop?tab=readme",
        "https://github.com/acme/shop#readme",
        "https://github.com/acme/../other",
        "https://github.com/acme/%2e%2e/other",
        "https://github.com/acme/..git",
        "https://github.com/acme/...git",
        "https://github.com/acme/%ff",
        "https://github.com/acme/shop%20",
        "https://github.com/acme/shop\xa0.git",
        "https://github.com/acme/a%00b",
        "https://github.com/acme/a\nb",
        "https://github.com/acme/\ud800",
        "https://file/srv/git/shop",
        "ftp://github.com/acme/shop",
        "javascript://github.com/acme/shop",
        "https://github.com/" + "a" * MAX_LENGTH,
        "shop",
    ],
)
def test_what_names_no_repository_is_refused_with_a_remedy(url: str) -> None:
    with pytest.raises(UnusableRepository, match="write it as https://host/owner/name"):
        normalize_repository(url)


def test_a_password_in_a_refused_url_is_not_repeated() -> None:
    with pytest.raises(UnusableRepository) as refused:
        normalize_repository("https://ann:hunter2@github.com/acme/shop?x")

    assert "hunter2" not in str(refused.value)


@dataclass(frozen=True)
class Spelling:
    host: str
    path: str

    @property
    def all(self) -> tuple[str, ...]:
        host, path = self.host, self.path
        return (
            f"https://{host}/{path}",
            f"http://{host}/{path}.git",
            f"HTTPS://{host.upper()}:443/{path.upper()}/",
            f"https://ann:secret@{host}/{path}.git/",
            f"ssh://git@{host}:7999/{path}.git",
            f"git@{host}:{path}.git",
            f"git://{host}/{path}",
            f"https://{host}/" + path.replace("-", "%2D").replace("a", "%61"),
            f"{host}/{path}",
        )


@given(st.builds(Spelling, HOSTS, PATHS))
def test_all_spellings_of_a_repository_agree(spelling: Spelling) -> None:
    identities = {normalize_repository(url) for url in spelling.all}

    assert identities == {f"{spelling.host}/{spelling.path}"}


AZURE = (
    "https://dev.azure.com/acme/My%20Project/_git/Shop",
    "https://acme@dev.azure.com/acme/My%20Project/_git/Shop",
    "https://dev.azure.com/acme/DefaultCollection/my project/_git/shop",
    "https://acme.visualstudio.com/My%20Project/_git/Shop",
    "https://acme.visualstudio.com/DefaultCollection/My Project/_git/Shop",
    "https://ACME.visualstudio.com:443/My%20Project/_git/_optimized/Shop/",
    "https://dev.azure.com/acme/My%20Project/_git/_full/Shop",
    "git@ssh.dev.azure.com:v3/acme/My%20Project/Shop",
    "ssh://git@ssh.dev.azure.com/v3/acme/My%20Project/Shop",
    "acme@vs-ssh.visualstudio.com:v3/acme/My%20Project/Shop",
    "ssh://acme@vs-ssh.visualstudio.com:22/v3/acme/My%20Project/Shop",
)
AZURE_OF_ONE_NAME = (
    "https://dev.azure.com/acme/_git/shop",
    "https://dev.azure.com/acme/shop/_git/shop",
    "https://acme.visualstudio.com/_git/shop",
    "https://acme.visualstudio.com/DefaultCollection/_git/shop",
    "git@ssh.dev.azure.com:v3/acme/shop/shop",
)


@pytest.mark.parametrize("url", AZURE)
def test_all_ways_to_a_repository_of_azure_agree(url: str) -> None:
    assert normalize_repository(url) == "dev.azure.com/acme/my project/_git/shop"


@pytest.mark.parametrize("url", AZURE_OF_ONE_NAME)
def test_a_repository_of_azure_that_has_its_projects_name(url: str) -> None:
    assert normalize_repository(url) == "dev.azure.com/acme/shop/_git/shop"


def test_a_server_of_ones_own_keeps_its_collections() -> None:
    web = "https://tfs.example.com/tfs/DefaultCollection/shop/_git/web"

    assert normalize_repository(web) == "tfs.example.com/tfs/defaultcollection/shop/_git/web"


@given(HOSTS, NAMES, NAMES)
def test_both_ways_to_a_repository_of_bitbucket_data_center_agree(
    host: str, project: str, name: str
) -> None:
    web = normalize_repository(f"https://{host}/scm/{project}/{name}.git")
    ssh = normalize_repository(f"ssh://git@{host}:7999/{project}/{name}.git")

    assert web != ssh
    assert with_scm(web) == with_scm(ssh) == (ssh, web)


@given(NAMES, NAMES, NAMES)
def test_azures_old_and_new_hosts_agree(organization: str, project: str, name: str) -> None:
    org = organization.replace(".", "-").replace("_", "-")
    identities = {
        normalize_repository(f"https://{org}@dev.azure.com/{org}/{project}/_git/{name}"),
        normalize_repository(f"https://{org}.visualstudio.com/{project}/_git/{name}"),
        normalize_repository(f"git@ssh.dev.azure.com:v3/{org}/{project}/{name}"),
    }

    assert identities == {f"dev.azure.com/{org}/{project}/_git/{name}"}


PARTS = st.sampled_from(
    ["acme", "shop", "_git", "scm", "v3", "defaultcollection", "_full", "_optimized"],
)
TRICKY_HOSTS = st.sampled_from(
    [
        "dev.azure.com",
        "ssh.dev.azure.com",
        "acme.visualstudio.com",
        "vs-ssh.visualstudio.com",
        "gitlab.com",
        "git.example.com",
    ],
)
TRICKY = st.builds(
    "{}{}/{}".format,
    st.sampled_from(["https://", "ssh://git@", ""]),
    TRICKY_HOSTS,
    st.lists(PARTS, min_size=1, max_size=6).map("/".join),
)

URLISH = TRICKY | st.one_of(
    st.text(max_size=60),
    st.text("abA.:/@%?#[]~\\ 0123é", max_size=40),
    st.builds(
        "{}{}/{}".format,
        st.sampled_from(["https://", "ssh://", "file://", "git@", "", "http://u@"]),
        HOSTS,
        st.text(max_size=40),
    ),
)


@given(URLISH)
def test_an_identity_is_its_own_identity_and_nothing_else_is_raised(text: str) -> None:
    try:
        identity = normalize_repository(text)
    except UnusableRepository:
        return

    assert normalize_repository(identity) == identity


@pytest.mark.parametrize("identity", ["host.example/a/b/c", "host.example/shop", "host.example"])
def test_what_has_no_form_with_scm(identity: str) -> None:
    assert with_scm(identity) == (identity,)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("git.example.com/acme/*", ("git.example.com/acme/*", "git.example.com/scm/acme/*")),
        ("!git.example.com/acme/x", ("!git.example.com/acme/x", "!git.example.com/scm/acme/x")),
        ("**", ("**",)),
    ],
)
def test_a_pattern_in_both_forms(pattern: str, expected: tuple[str, ...]) -> None:
    assert pattern_with_scm(pattern) == expected
