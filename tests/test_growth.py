"""The measure of growth tells linear from quadratic: it would find what it is there for."""

from __future__ import annotations

import re

from tests.growth import grows_linearly


def test_linear_work_is_linear() -> None:
    assert grows_linearly(lambda size: sum(range(size)), 200)


def test_constant_work_is_no_more_than_linear() -> None:
    assert grows_linearly(lambda size: min(size, 10), 200)


def test_quadratic_work_is_not() -> None:
    assert not grows_linearly(lambda size: [n for n in range(size) for _ in range(size)], 30)


def test_a_regular_expression_that_goes_back_is_found() -> None:
    assert not grows_linearly(lambda size: re.fullmatch(r"a*a*b", "a" * size), 200)
