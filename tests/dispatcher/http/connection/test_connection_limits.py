"""Who finds room, and who makes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_network

from dispatcher.http.connection.connection_limits import ConnectionLimits


@dataclass(eq=False)
class Client:
    """A connection."""

    left: list[str] = field(default_factory=list)

    def close_idle(self) -> None:
        self.left.append("made room")


def entered(limits: ConnectionLimits, peer: str, number: int = 1) -> list[Client]:
    clients = [Client() for _ in range(number)]
    return [client for client in clients if limits.admit(client, peer)]


def test_one_sender_leaves_room_for_all_others() -> None:
    limits = ConnectionLimits(most=1000, per_address=100)

    assert len(entered(limits, "192.0.2.1", 2000)) == 100
    assert len(entered(limits, "192.0.2.2", 10)) == 10


def test_a_sender_is_a_group_of_addresses() -> None:
    limits = ConnectionLimits(most=1000, per_address=100)

    # One customer's network, and an IPv4 address in either form
    assert sum(len(entered(limits, f"2001:db8::{n:x}")) for n in range(1, 500)) == 100
    assert len(entered(limits, "2001:db8:0:1::1")) == 1
    assert len(entered(limits, "192.0.2.1", 60)) == 60
    assert len(entered(limits, "::ffff:192.0.2.1", 60)) == 40


def test_proxies_and_who_has_no_address_may_hold_all_that_there_are() -> None:
    for peer in ("10.1.2.3", ""):
        limits = ConnectionLimits(most=1000, per_address=100, exempt=[ip_network("10.0.0.0/8")])
        assert len(entered(limits, peer, 1001)) == 1000


def test_a_share_of_0_is_none() -> None:
    assert len(entered(ConnectionLimits(most=1000, per_address=0), "192.0.2.1", 1001)) == 1000


def test_who_is_at_its_share_makes_room_itself() -> None:
    limits = ConnectionLimits(most=1000, per_address=2)
    (others,) = entered(limits, "192.0.2.9")
    limits.idle(others)
    first, second = entered(limits, "192.0.2.1", 2)
    limits.idle(second)
    limits.idle(first)
    limits.active(second)

    assert len(entered(limits, "192.0.2.1", 5)) == 1
    assert first.left == ["made room"]
    assert second.left == others.left == []


def test_what_has_gone_counts_no_longer_however_often_it_is_said() -> None:
    limits = ConnectionLimits(most=10, per_address=2)
    for _ in range(50):
        for client in entered(limits, "192.0.2.1", 3):
            limits.idle(client)
            limits.closed(client)
            limits.closed(client)
            limits.idle(client)

    assert len(limits) == 0
    assert len(entered(limits, "192.0.2.1", 3)) == 2
    assert vars(limits).keys() >= {"_idle", "_idle_of"}
    assert not limits._idle
    assert not limits._idle_of
