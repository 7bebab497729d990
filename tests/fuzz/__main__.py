"""Fuzzes one target after another and prints what came of it: `python -m tests.fuzz --seconds 60 github saved`.

What was learned is kept under .fuzz/ and the next run begins with it; so is an input that broke something.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conftest import start_valkey
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

KEPT = Path(".fuzz")
LONGEST = 32 * 1024
"""Bytes of an input."""
HANGS = 25
"""Seconds after which an input is taken to go on for ever."""
HEAD = f"{'target':<17}{'executions':>11}{'exec/s':>9}{'slowest':>9}{'coverage':>16}{'corpus':>8}  result"


@dataclass(frozen=True)
class Limits:
    seconds: int
    runs: int
    seed: int


@dataclass(frozen=True)
class Ran:
    """What libFuzzer said at its end."""

    said: str
    code: int

    def figure(self, name: str) -> int:
        found = re.search(rf"^stat::{name}:\s+(\d+)", self.said, re.MULTILINE)
        return int(found[1]) if found else 0

    @property
    def coverage(self) -> tuple[int, int]:
        """Points that the kept inputs and the seeds reached, and those that were reached at the end."""
        found = [
            int(points) for points in re.findall(r"^#\d+\s.*? cov: (\d+)", self.said, re.MULTILINE)
        ]
        before = re.search(r"^#\d+\s+INITED cov: (\d+)", self.said, re.MULTILINE)
        return (int(before[1]) if before else 0), max(found, default=0)

    @property
    def trouble(self) -> str:
        """The error, and where the input is that led to it."""
        lines = [line for line in self.said.splitlines() if not line.startswith("#")]
        return "\n".join(lines[-60:])

    def line(self, name: str) -> str:
        before, after = self.coverage
        return (
            f"{name:<17}{self.figure('number_of_executed_units'):>11,}"
            f"{self.figure('average_exec_per_sec'):>9,}{self.figure('slowest_unit_time_sec'):>7} s"
            f"{before:>8} → {after:<5}{self.figure('new_units_added'):>8}  "
            + ("ok" if self.code == 0 else "FAILED")
        )


def fuzz(name: str, target: Target, limits: Limits, redis_url: str) -> Ran:
    kept, seeds = KEPT / "corpus" / name, KEPT / "seeds" / name
    kept.mkdir(parents=True, exist_ok=True)
    seeds.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (seeds / sha1(seed).hexdigest()).write_bytes(seed)
    options = [
        f"-max_total_time={limits.seconds}",
        f"-runs={limits.runs}",
        f"-seed={limits.seed}",
        f"-max_len={LONGEST}",
        f"-timeout={HANGS}",
        f"-artifact_prefix={KEPT}/{name}-",
        f"-dict={_dictionary(name, target)}",
        "-print_final_stats=1",
    ]
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.run", name, folder, *options, kept, seeds],
            env={"REDIS_URL": redis_url, "PYTHONPATH": ".", "PATH": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    return Ran(done.stdout.decode(errors="replace"), done.returncode)


def _dictionary(name: str, target: Target) -> Path:
    """Words of the seeds, which the fuzzer puts elsewhere."""
    words = {w for seed in target.seeds() for w in re.findall(rb"[A-Za-z_][\w./:-]{2,40}", seed)}
    path = KEPT / "seeds" / f"{name}.dict"
    path.write_text("".join(f'"{word.decode()}"\n' for word in sorted(words)))
    return path


def main() -> int:
    given = _arguments()
    limits = Limits(given.seconds, given.runs, given.seed)
    failed = []
    print(HEAD)
    with TemporaryDirectory() as folder, start_valkey(Path(folder)) as redis_url:
        for name in given.targets or TARGETS:
            ran = fuzz(name, TARGETS[name], limits, redis_url)
            print(ran.line(name), flush=True)
            if ran.code:
                failed.append(name)
                print(ran.trouble, file=sys.stderr)
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=0, help="for each target; 0 for any number")
    parser.add_argument("--runs", type=int, default=-1, help="of each target; -1 for any number")
    parser.add_argument("--seed", type=int, default=0, help="of the fuzzer's choices; 0 for any")
    parser.add_argument("targets", nargs="*", metavar="target", help="all, if none is named")
    given = parser.parse_args()
    if unknown := set(given.targets) - set(TARGETS):
        parser.error(f"there is no target {', '.join(unknown)}: {', '.join(TARGETS)}")
    return given


if __name__ == "__main__":
    sys.exit(main())
