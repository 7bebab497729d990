"""Whom a request comes from: what our own proxies say, and nothing that a client could say."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dispatcher.http.client_address import (
    FORWARDED,
    MOST_HOPS,
    X_FORWARDED_FOR,
    Proxies,
    address,
    forwarded,
    forwarded_for,
    group,
)

PROXY = "10.0.0.1"
CLIENT = "203.0.113.9"
OURS = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))

texts = st.text(st.characters(max_codepoint=255), max_size=60)
addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)


def sender(peer: str, *lines: str, header: str = X_FORWARDED_FOR, ours: bool = True) -> str:
    headers = [(header.encode(), line.encode("latin-1")) for line in lines]
    return str(Proxies(OURS if ours else (), header).sender(peer, headers))


def test_without_proxies_of_ours_no_header_counts() -> None:
    assert sender(PROXY, CLIENT, ours=False) == PROXY
    assert sender(CLIENT, "1.2.3.4") == CLIENT


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], PROXY),
        ([CLIENT], CLIENT),
        (["1.2.3.4, 203.0.113.9"], CLIENT),
        (["1.2.3.4", "203.0.113.9"], CLIENT),
        (["203.0.113.9, 10.0.0.2, 10.0.0.3"], CLIENT),
        (["203.0.113.9", "10.0.0.2 , 10.0.0.3"], CLIENT),
        (["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
        (["203.0.113.9:4711"], CLIENT),
        (["[2001:db8::1]:4711"], "2001:db8::1"),
        (["2001:DB8::1"], "2001:db8::1"),
        (["::ffff:203.0.113.9"], CLIENT),
        (["203.0.113.9, fd00::2"], CLIENT),
        (["203.0.113.9,"], CLIENT),
        # What can't be read ends the walk at the proxy that it came from.
        (["203.0.113.9, unknown"], PROXY),
        (["203.0.113.9, x, 10.0.0.2"], "10.0.0.2"),
        (["203.0.113.999"], PROXY),
        (["203.0.113.9:x"], PROXY),
        ([", ".join(["10.0.0.2"] * 100)], "10.0.0.2"),
    ],
)
def test_the_list_is_walked_from_its_end(lines: list[str], expected: str) -> None:
    assert sender(PROXY, *lines) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("for=203.0.113.9", CLIENT),
        ("For=203.0.113.9;proto=https;by=10.0.0.1", CLIENT),
        ("for=1.2.3.4, for=203.0.113.9", CLIENT),
        ('for="203.0.113.9:4711"', CLIENT),
        ('proto=https;for="[2001:db8::1]:4711", for=10.0.0.2', "2001:db8::1"),
        ('for="[2001:db8::1]"', "2001:db8::1"),
        (r'for="203.0.113.\9"', CLIENT),
        ('for="203.0.113.9:_port"', CLIENT),
        ("for=203.0.113.9, for=unknown", PROXY),
        ("for=203.0.113.9, for=_hidden", PROXY),
        ("for=203.0.113.9, proto=https", PROXY),
        ("for=1.2.3.4;for=203.0.113.9", PROXY),
        ('for="1.2.3.4, for=203.0.113.9', CLIENT),
        ('for=", for=203.0.113.9', CLIENT),
        ('for="\\, for=203.0.113.9', CLIENT),
        ('for=";, for=203.0.113.9;proto=https', CLIENT),
        (('for="' + '",' * 3000) + 'for="' + ", for=203.0.113.9", CLIENT),
        ('for=203.0.113.9;host="a,b"', CLIENT),
        ('host="a,for=1.2.3.4";for=203.0.113.9', CLIENT),
        ('for="x,y,z;host=a, for=10.0.0.2', "10.0.0.2"),
        ("for=203.0.113.9,,", CLIENT),
        ("for=203.0.113.9;", CLIENT),
        ("for 203.0.113.9", PROXY),
        ("", PROXY),
    ],
)
def test_the_standard_header_too(line: str, expected: str) -> None:
    assert sender(PROXY, line, header=FORWARDED) == expected


def test_only_the_header_that_our_proxies_write_is_looked_at() -> None:
    """A proxy that appends to one lets the other through, as its client made it up."""
    made_up = [(b"forwarded", b"for=192.30.252.1"), (b"x-forwarded-for", CLIENT.encode())]

    assert str(Proxies(OURS).sender(PROXY, made_up)) == CLIENT
    assert str(Proxies(OURS, FORWARDED).sender(PROXY, made_up)) == "192.30.252.1"


@given(lines=st.lists(texts, max_size=4), true=addresses)
def test_no_header_that_a_client_sends_changes_its_address(lines: list[str], true: str) -> None:
    """The proxy appends to what came, on a line of its own or behind the last."""
    known = address(true)
    expected = {str(known), PROXY} if sender(PROXY, true) == PROXY else {str(known)}
    if known is not None and any(known in each for each in OURS):
        return  # one of us
    assert sender(PROXY, *lines, true) in expected
    assert sender(PROXY, f"{''.join(lines)}, {true}") in expected


@given(line=texts, true=st.ip_addresses(v=4).filter(lambda a: a not in OURS[0]))
@example(line='for="', true=ip_address(CLIENT))
@example(line='for=6.6.6.6;x="', true=ip_address(CLIENT))
@example(line="for=6.6.6.6;", true=ip_address(CLIENT))
def test_nor_in_the_standard_header(line: str, true: object) -> None:
    for appended in (f"for={true}", f'for="{true}:80"', f'by=10.0.0.1;for="{true}"'):
        assert sender(PROXY, line, appended, header=FORWARDED) == str(true)
        assert sender(PROXY, f"{line}, {appended}", header=FORWARDED) in {str(true), PROXY}


@given(line=st.text(st.characters(max_codepoint=255), max_size=200))
def test_whatever_is_sent_is_read_or_not(line: str) -> None:
    for found in (*forwarded(line), *forwarded_for(line)):
        assert found is None or address(str(found)) == found


@given(
    st.lists(
        st.tuples(addresses, st.sampled_from(["", ":1", ":65535"]), st.booleans()),
        min_size=1,
        max_size=MOST_HOPS,
    )
)
def test_what_proxies_write_is_read(hops: list[tuple[str, str, bool]]) -> None:
    def node(text: str, port: str) -> str:
        return f"[{text}]{port}" if ":" in text else f"{text}{port}"

    expected = [address(text) for text, _, _ in hops]
    line = ", ".join(
        f'for="{node(text, port)}"' + (";proto=https" if more else "") for text, port, more in hops
    )

    assert forwarded(line) == expected
    assert forwarded_for(", ".join(node(text, port) for text, port, _ in hops)) == expected


@pytest.mark.parametrize("line", [" " * 60_000 + "x", 'for="' + "\\" * 60_000, "a" * 60_000])
def test_a_long_line_takes_no_time(line: str) -> None:
    assert forwarded(line) == [None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_a_sender_of_ipv6_has_many_addresses_and_counts_as_one(text: str, expected: str) -> None:
    found = address(text)
    assert found is not None
    assert group(found) == expected
