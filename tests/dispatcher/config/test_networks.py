"""Ranges of addresses in the configuration: for hooks, and for proxies."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.config import describe, read_configuration, read_environment
from dispatcher.config.networks import network
from dispatcher.domain.errors import ConfigError

HOOK = """
version: 1
hooks:
  h: {{provider: github, secrets: [{{env: SECRET}}], repositories: ["**"], allow: {allow}}}
"""


def hook(tmp_path: Path, allow: str) -> list[str]:
    file = tmp_path / "c.yaml"
    file.write_text(HOOK.format(allow=allow))
    found: list[str] = describe(read_configuration(file, {"SECRET": "x" * 32}))["hooks"]["h"][
        "allow"
    ]
    return found


def mistake(tmp_path: Path, allow: str) -> str:
    with pytest.raises(ConfigError) as caught:
        hook(tmp_path, allow)
    (line,) = caught.value.mistakes
    return line


def test_a_hook_can_listen_to_some_only(tmp_path: Path) -> None:
    written = '["192.30.252.0/22", "2606:50c0::/32", 203.0.113.9]'

    assert hook(tmp_path, written) == ["192.30.252.0/22", "2606:50c0::/32", "203.0.113.9/32"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ('"github.com"', '"github.com" is not an address range; write it like 192.30.252.0/22'),
        ('"192.30.252.0/33"', "is not an address range"),
        ('"192.30.252.0/255.255.252.0"', "is not an address range"),
        ('"192.30.252/22"', "is not an address range"),
        ('"2606:50c0::/129"', "is not an address range"),
        ('"fe80::1%eth0"', "is not an address range"),
        ("10", "10 is not an address range"),
        ("true", "true is not an address range"),
        ("", None),
        (
            '"192.30.253.7/22"',
            "write 192.30.252.0/22 for the range, or 192.30.253.7 for the address",
        ),
        ('"::ffff:192.0.2.0/120"', "stands for IPv4 addresses; write 192.0.2.0/24"),
    ],
)
def test_a_mistake_says_what_to_write(tmp_path: Path, value: str, says: str | None) -> None:
    line = mistake(tmp_path, f"[{value}]")

    assert "hooks.h.allow" in line
    assert (says or "is empty; list at least one") in line


@given(
    st.one_of(
        st.tuples(st.ip_addresses(v=4), st.integers(0, 32)),
        st.tuples(st.ip_addresses(v=6), st.integers(0, 128)),
    )
)
def test_every_range_can_be_written(pair: tuple[object, int]) -> None:
    wanted = ip_network(f"{pair[0]}/{pair[1]}", strict=False)
    try:
        assert network(str(wanted)) == wanted
    except ValueError as error:
        assert "stands for IPv4" in str(error)  # noqa: PT017


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[0-9a-f:./]{1,50}", fullmatch=True)))
def test_whatever_is_written_is_a_range_or_a_mistake_with_a_remedy(text: str) -> None:
    try:
        assert isinstance(network(text), IPv4Network | IPv6Network)
    except ValueError as error:
        assert "; write " in str(error)  # noqa: PT017


def test_proxies_are_trusted_by_name_only() -> None:
    assert read_environment({}).trusted_proxies == ()
    some = read_environment({"DISPATCHER_TRUSTED_PROXIES": "10.0.0.0/8, fd00::/8\n192.0.2.1"})
    assert list(map(str, some.trusted_proxies)) == ["10.0.0.0/8", "fd00::/8", "192.0.2.1/32"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DISPATCHER_TRUSTED_PROXIES", "traefik", '"traefik" is not an address range'),
        ("DISPATCHER_TRUSTED_PROXIES", "10.0.0.1/8", "write 10.0.0.0/8 for the range"),
        ("DISPATCHER_TRUSTED_PROXIES", "0.0.0.0/0", "trusts everyone"),
        ("DISPATCHER_TRUSTED_PROXIES", "::/0", "trusts everyone"),
        ("DISPATCHER_PROXY_HEADER", "x-real-ip", "is not one of x-forwarded-for, forwarded"),
        ("DISPATCHER_FAILURES_PER_ADDRESS", "many", "choose between 0 and 1000000"),
        ("DISPATCHER_FAILURES_PER_HOOK", "-1", "choose between 0 and 1000000"),
    ],
)
def test_a_mistake_in_the_environment(name: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_environment({name: value})
    assert says in str(caught.value)
