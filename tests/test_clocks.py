"""No test fails because the machine is slow or busy: none holds a stretch of time against an upper bound.

Time is waited for with patience (`tests.waiting`), and growth is compared with growth (`tests.growth`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
CLOCKS = {"monotonic", "perf_counter", "process_time", "thread_time", "time"}
MEASURE = {"growth.py", "fuzz", "benchmarks"}
"""What is there to measure; neither fuzzing nor benchmarks are part of the suite."""


def modules() -> list[Path]:
    found = sorted(TESTS.rglob("*.py"))
    return [path for path in found if not MEASURE & set(path.relative_to(TESTS).parts)]


def reads_a_clock(node: ast.AST) -> bool:
    return any(
        isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and isinstance(each.func.value, ast.Name)
        and (each.func.value.id, each.func.attr) in {("time", clock) for clock in CLOCKS}
        for each in ast.walk(node)
    )


def bounded_from_above(source: str) -> Iterator[int]:
    """Lines of assertions that what a clock says is less than something."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert):
            for each in ast.walk(node.test):
                if isinstance(each, ast.Compare):
                    yield from _lines(each)


def _lines(compare: ast.Compare) -> Iterator[int]:
    left = compare.left
    for operator, right in zip(compare.ops, compare.comparators, strict=True):
        less, more = isinstance(operator, ast.Lt | ast.LtE), isinstance(operator, ast.Gt | ast.GtE)
        if (less and reads_a_clock(left)) or (more and reads_a_clock(right)):
            yield compare.lineno
        left = right


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(TESTS)))
def test_no_assertion_bounds_a_time_from_above(path: Path) -> None:
    assert list(bounded_from_above(path.read_text())) == []


def test_such_an_assertion_is_found() -> None:
    for text in ("assert time.process_time() - began < 1", "assert 5 > time.monotonic() - began"):
        assert list(bounded_from_above(text)) == [1]
    assert list(bounded_from_above("assert time.monotonic() - began > 0.5")) == []
