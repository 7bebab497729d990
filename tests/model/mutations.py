"""Mutation testing of the models: breaks a copy of the code in one place, and counts how often they notice.

    python -m tests.model.mutations [seeds] [mutation …]

Each seed is a whole run of the model's test, with as many examples as in the suite. A mutation should be caught
with nearly every seed. `tests.model.test_mutations` keeps the list in step with the code.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
PARTS = ("dispatcher", "workers", "tests", "pyproject.toml")
LUA = "dispatcher/ledger/lua"
ORDER, WATCHING = "tests/model/test_order.py", "tests/model/test_watching.py"
MORE = 3
"""Times as many examples as in a run of all tests."""
FAILED = 1
"""Exit code of pytest: a test failed. Anything else but 0 says nothing."""


@dataclass(frozen=True)
class Mutation:
    """A piece of the code, and a wrong one that takes its place."""

    file: str
    original: str
    mutated: str
    test: str


MUTATIONS = {
    "late-list": Mutation(
        "workers/watch/reflectors.py",
        "for generation, event in taken if generation in current]",
        "for generation, event in taken]",
        WATCHING,
    ),
    "fence": Mutation(
        f"{LUA}/_fence.lua",
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then",
        "if false then",
        WATCHING,
    ),
    "wrong-clock": Mutation(
        f"{LUA}/_chain.lua",
        "return time <= ref.now + ref.ahead and time or 0",
        "return time",
        ORDER,
    ),
    "late-behind-filtered": Mutation(
        f"{LUA}/_standing.lua",
        "  if not at.head then return nil end\n",
        "  if true then return nil end\n",
        ORDER,
    ),
    "gap-behind-paths": Mutation(
        f"{LUA}/_standing.lua",
        "if wants == 'paths' and at.standing == 'newer' then",
        "if false then",
        ORDER,
    ),
    "ref-of-a-commit": Mutation(
        f"{LUA}/_coalesce.lua",
        "return deploy.commit == commit and deploy.ref == push.ref.name end",
        "return deploy.commit == commit end",
        ORDER,
    ),
    "every-tag": Mutation(
        f"{LUA}/_standing.lua",
        "return push.arg.every == 0 and newer_tag(push.ref, push.stream) or nil end",
        "return newer_tag(push.ref, push.stream) end",
        ORDER,
    ),
}


def source(mutation: Mutation, root: Path = ROOT) -> str:
    """The file's text; raises LookupError unless it has the original exactly once."""
    text = (root / mutation.file).read_text()
    if text.count(mutation.original) != 1:
        raise LookupError(
            f"{mutation.file} has this {text.count(mutation.original)} times: {mutation.original}"
        )
    return text


def mutate(mutation: Mutation, root: Path) -> None:
    (root / mutation.file).write_text(
        source(mutation, root).replace(mutation.original, mutation.mutated)
    )


def is_caught(mutation: Mutation, root: Path, seed: int) -> bool:
    """Whether the model's test fails in this copy; raises RuntimeError if it could not run."""
    options = ["-q", "-x", "-p", "no:cacheprovider", f"--hypothesis-seed={seed}"]
    options += ["--more-examples", str(MORE)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--hypothesis-profile=unshrunk", mutation.test],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, FAILED):
        raise RuntimeError(done.stdout + done.stderr)
    return done.returncode == FAILED


def times_caught(name: str, seeds: int) -> int:
    """With how many seeds the model catches this mutation."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, root / part)
        mutate(MUTATIONS[name], root)
        return sum(is_caught(MUTATIONS[name], root, seed) for seed in range(seeds))


def main(seeds: str = "10", *names: str) -> None:
    for name in names or MUTATIONS:
        print(f"{name}: caught with {times_caught(name, int(seeds))} of {seeds} seeds", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
