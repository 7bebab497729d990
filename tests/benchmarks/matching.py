"""What matching costs a push, from 10 targets to 100,000, compared with reading the delivery at all."""

from __future__ import annotations

import time
from collections.abc import Callable

from dispatcher.matching.evaluation import HookScope, evaluate
from dispatcher.matching.matcher import Matcher
from dispatcher.webhooks.receiving import parse_request
from tests.dispatcher.matching.test_evaluation import installation, work
from tests.dispatcher.matching.test_matcher import Target, push
from tests.dispatcher.webhooks.support import sent

COUNTS = (10, 1_000, 100_000)
SECONDS = 0.5
"""For each measurement; the best of five rounds counts."""


def microseconds(act: Callable[[], object]) -> float:
    """The least that one call takes."""
    act()
    started, calls = time.perf_counter(), 0
    while time.perf_counter() - started < SECONDS / 5:
        act()
        calls += 1
    return min(_round(act, calls) for _ in range(5))


def _round(act: Callable[[], object], calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        act()
    return (time.perf_counter() - started) / calls * 1e6


def line(what: str, took: float, floor: float, *more: str) -> None:
    print(f"{what:<58} {took:>10.2f} µs {took / floor:>8.2f}", *more)


def main() -> None:
    delivery = sent("github/push__branch")
    headers = delivery.raw_headers
    floor = microseconds(lambda: parse_request("github", headers, delivery.body))
    print(f"{'':<58} {'a push':>13} {'ratio':>8}")
    line("floor: reading a delivery of GitHub's", floor, floor)
    for count in COUNTS:
        started = time.perf_counter()
        act = evaluating(*installation(count))
        built = time.perf_counter() - started
        what = f"{count:,} targets and repositories of the hook, 2 are asked"
        line(what, microseconds(act), floor, f"  {work(act)} instructions, built in {built:.2f} s")
    for count in (100, 1_000):
        act = evaluating(HookScope("github", ["**"]), Matcher(of_one_repository(count)))
        line(f"{count:,} targets of one repository, all are asked", microseconds(act), floor)


def evaluating(scope: HookScope, matcher: Matcher) -> Callable[[], object]:
    pushes = [push(paths=("a", "b"))]
    return lambda: evaluate(pushes, scope, matcher)


def of_one_repository(count: int) -> list[Target]:
    return [Target(f"t{n}", paths=(f"services/s{n}/**",)) for n in range(count)]


if __name__ == "__main__":
    main()
