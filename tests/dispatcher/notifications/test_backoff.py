"""When what was not taken is tried again, and what an answer means."""

from __future__ import annotations

import pytest

from dispatcher.notifications.answers import NotTaken, Taken, of_status
from dispatcher.notifications.backoff import pause, retry_after

NOW = 1_795_633_200.0
"""2026-11-25 19:00:00 UTC."""


def test_pauses_double_between_half_and_all_of_it() -> None:
    assert [pause(n, 600, 0, 1.0) for n in (1, 2, 3, 10, 11, 5000)] == [1, 2, 4, 512, 600, 600]
    assert [pause(n, 600, 0, 0.0) for n in (1, 2, 3)] == [0.5, 1, 2]


def test_what_a_receiver_asks_for_counts_up_to_the_bound() -> None:
    assert pause(1, 600, 30, 1.0) == 30
    assert pause(1, 600, 86400, 1.0) == 600
    assert pause(8, 600, 30, 1.0) == 128


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", 0),
        ("120", 120),
        (" 7 ", 7),
        ("-1", 0),
        ("soon", 0),
        ("9" * 400, 999_999_999),
        ("Wed, 25 Nov 2026 19:01:00 GMT", 60),
        ("Wed, 25 Nov 2026 18:00:00 GMT", 0),
        ("Wed, 99 Nov 2026 18:00:00 GMT", 0),
    ],
)
def test_retry_after(value: str, seconds: float) -> None:
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_success_is_taken(status: int) -> None:
    assert of_status(status) == Taken()


@pytest.mark.parametrize(("status", "final"), [(408, False), (425, False), (429, False)])
@pytest.mark.parametrize("retry", ["", "5"])
def test_busy_receivers_are_tried_again(status: int, final: bool, retry: str) -> None:
    expected = NotTaken(f"answered {status}", final, 5.0 if retry else 0.0)

    assert of_status(status, retry, NOW) == expected


@pytest.mark.parametrize(
    ("status", "final"),
    [(301, True), (308, True), (400, True), (404, True), (410, True), (500, False), (599, False)],
)
def test_which_answers_are_final(status: int, final: bool) -> None:
    answer = of_status(status)

    assert isinstance(answer, NotTaken)
    assert answer.final is final
    assert str(status) in answer.reason
