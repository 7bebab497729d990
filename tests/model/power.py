"""What the models find: takes one mend after another out of a copy of the code, and counts who notices.

    python -m tests.model.power [seeds] [mend …]

Each seed is a whole run of the model's test with as many examples as in the suite. A mend that no seed misses,
or hardly any, is held; `tests.model.test_power` keeps the list true to the code.
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
FAILED = 1
"""Exit code of pytest: a test failed. Anything else but 0 says nothing."""


@dataclass(frozen=True)
class Mend:
    """A piece of the code, and what it would be without the thought that is in it."""

    file: str
    text: str
    without: str
    test: str


MENDS = {
    "late-list": Mend(
        "workers/watch/reflectors.py",
        "for generation, event in taken if generation in current]",
        "for generation, event in taken]",
        WATCHING,
    ),
    "fence": Mend(
        f"{LUA}/_fence.lua",
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then",
        "if false then",
        WATCHING,
    ),
    "wrong-clock": Mend(
        f"{LUA}/_chain.lua",
        "return time <= ref.now + ref.ahead and time or 0",
        "return time",
        ORDER,
    ),
    "late-behind-filtered": Mend(
        f"{LUA}/_standing.lua",
        "  if not at.head then return nil end\n",
        "  if true then return nil end\n",
        ORDER,
    ),
    "gap-behind-paths": Mend(
        f"{LUA}/_standing.lua",
        "if wants == 'paths' and at.standing == 'newer' then",
        "if false then",
        ORDER,
    ),
    "ref-of-a-commit": Mend(
        f"{LUA}/_coalesce.lua",
        "return deploy.commit == commit and deploy.ref == push.ref.name end",
        "return deploy.commit == commit end",
        ORDER,
    ),
    "every-tag": Mend(
        f"{LUA}/_standing.lua",
        "return push.arg.every == 0 and newer_tag(push.ref, push.stream) or nil end",
        "return newer_tag(push.ref, push.stream) end",
        ORDER,
    ),
}


def source(mend: Mend, root: Path = ROOT) -> str:
    """The file's text; raises LookupError where what is to be taken out does not stand in it once."""
    text = (root / mend.file).read_text()
    if text.count(mend.text) != 1:
        raise LookupError(f"{mend.file} has this {text.count(mend.text)} times: {mend.text}")
    return text


def take_out(mend: Mend, root: Path) -> None:
    (root / mend.file).write_text(source(mend, root).replace(mend.text, mend.without))


def is_found(mend: Mend, root: Path, seed: int) -> bool:
    """Whether the model's test fails in this copy; raises RuntimeError if it could not run."""
    options = ["-q", "-x", "-p", "no:cacheprovider", f"--hypothesis-seed={seed}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--hypothesis-profile=unshrunk", mend.test],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, FAILED):
        raise RuntimeError(done.stdout + done.stderr)
    return done.returncode == FAILED


def power(name: str, seeds: int) -> int:
    """With how many seeds the code without this mend fails."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, root / part)
        take_out(MENDS[name], root)
        return sum(is_found(MENDS[name], root, seed) for seed in range(seeds))


def main(seeds: str = "10", *names: str) -> None:
    for name in names or MENDS:
        print(f"{name}: found with {power(name, int(seeds))} of {seeds} seeds", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
