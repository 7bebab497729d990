"""Who finds room, and who makes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_network

from dispatcher.http.connection.limits import Crowd


@dataclass(eq=False)
class Guest:
    """A connection."""

    left: list[str] = field(default_factory=list)

    def leave(self) -> None:
        self.left.append("made room")


def entered(crowd: Crowd, peer: str, number: int = 1) -> list[Guest]:
    guests = [Guest() for _ in range(number)]
    return [guest for guest in guests if crowd.enter(guest, peer)]


def test_one_sender_leaves_room_for_all_others() -> None:
    crowd = Crowd(most=1000, per_address=100)

    assert len(entered(crowd, "192.0.2.1", 2000)) == 100
    assert len(entered(crowd, "192.0.2.2", 10)) == 10


def test_a_sender_is_a_group_of_addresses() -> None:
    crowd = Crowd(most=1000, per_address=100)

    # One customer's network, and an IPv4 address in either form
    assert sum(len(entered(crowd, f"2001:db8::{n:x}")) for n in range(1, 500)) == 100
    assert len(entered(crowd, "2001:db8:0:1::1")) == 1
    assert len(entered(crowd, "192.0.2.1", 60)) == 60
    assert len(entered(crowd, "::ffff:192.0.2.1", 60)) == 40


def test_proxies_and_who_has_no_address_may_hold_all_that_there_are() -> None:
    for peer in ("10.1.2.3", ""):
        crowd = Crowd(most=1000, per_address=100, exempt=[ip_network("10.0.0.0/8")])
        assert len(entered(crowd, peer, 1001)) == 1000


def test_a_share_of_0_is_none() -> None:
    assert len(entered(Crowd(most=1000, per_address=0), "192.0.2.1", 1001)) == 1000


def test_who_is_at_its_share_makes_room_itself() -> None:
    crowd = Crowd(most=1000, per_address=2)
    (others,) = entered(crowd, "192.0.2.9")
    crowd.rests(others)
    first, second = entered(crowd, "192.0.2.1", 2)
    crowd.rests(second)
    crowd.rests(first)
    crowd.works(second)

    assert len(entered(crowd, "192.0.2.1", 5)) == 1
    assert first.left == ["made room"]
    assert second.left == others.left == []


def test_what_has_gone_counts_no_longer_however_often_it_is_said() -> None:
    crowd = Crowd(most=10, per_address=2)
    for _ in range(50):
        for guest in entered(crowd, "192.0.2.1", 3):
            crowd.rests(guest)
            crowd.goes(guest)
            crowd.goes(guest)
            crowd.rests(guest)

    assert len(crowd) == 0
    assert len(entered(crowd, "192.0.2.1", 3)) == 2
    assert vars(crowd).keys() >= {"_idle", "_idle_of"}
    assert not crowd._idle
    assert not crowd._idle_of
