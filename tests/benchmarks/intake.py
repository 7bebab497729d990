"""One delivery of a thousand refs, and single pushes of another hook: `python -m tests.benchmarks.intake`.

Prints what it costs Redis, and for how long the other hook's deliveries wait, for a target that keeps 100
branches open and for one without a bound.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from uuid import uuid4

from dispatcher.domain.push import Push
from dispatcher.ledger import Keys, Store, Submission, Submitter, WakeUps, connect
from tests.conftest import start_valkey
from tests.dispatcher.ledger.helpers import ZERO, a_submission, sha

REFS, SENDERS, ROUNDS, PAUSE = 1000, 4, 3, 0.003


def submission(hook: str, ref: str, delivery: str, most: int) -> Submission:
    push = Push(
        repository=f"g/{hook}", ref=f"refs/heads/{ref}", before=ZERO, after=sha(uuid4().hex)
    )
    return a_submission(push, hook, delivery, hook=hook, most_open=most)


class Others:
    """Single pushes of another hook, one after the other from each sender."""

    def __init__(self, submitter: Submitter) -> None:
        self._submitter, self._stopped = submitter, threading.Event()
        self.seconds: list[float] = []
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(SENDERS)]

    def __enter__(self) -> Others:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for each in self._threads:
            each.join()

    def _send(self, number: int) -> None:
        while not self._stopped.wait(PAUSE):
            begun = time.perf_counter()
            self._submitter.submit([submission("small", f"s{number}", uuid4().hex, 0)]).result()
            self.seconds.append(time.perf_counter() - begun)


def measure(url: str, most: int) -> None:
    keys = Keys(uuid4().hex)
    with connect(url) as client, connect(url, text=False) as plain:
        wake_ups = WakeUps(plain, "benchmark")
        store = Store(client, keys)
        with Submitter(store, wake_ups) as submitter, Others(submitter) as others:
            time.sleep(0.5)
            for number in range(ROUNDS):
                told = one_round(submitter, others, url, number, most)
                print(f"bound {most or 'none'}: {told}")


def one_round(submitter: Submitter, others: Others, url: str, number: int, most: int) -> str:
    spent = in_scripts(url)
    others.seconds.clear()
    begun = time.perf_counter()
    refs = [submission("large", f"r{number}-{n}", f"d{number}", most) for n in range(REFS)]
    outcomes = Counter(str(each.outcome) for each in submitter.submit(refs).result())
    took, waits = time.perf_counter() - begun, sorted(others.seconds) or [0.0]
    usual, worst = (waits[int(len(waits) * part)] * 1000 for part in (0.5, 0.99))
    return (
        f"{REFS} refs in {took * 1000:.0f} ms, {in_scripts(url) - spent:.0f} ms of Redis; "
        f"others wait {usual:.0f} ms, p99 {worst:.0f} ms; {dict(outcomes)}"
    )


def in_scripts(url: str) -> float:
    """Milliseconds that Redis has spent in scripts."""
    with connect(url) as client:
        return float(client.info("commandstats")["cmdstat_evalsha"]["usec"]) / 1000


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, start_valkey(Path(folder)) as address:
        for bound in (100, 0):
            measure(address, bound)
