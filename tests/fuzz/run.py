"""One target in a process of its own, which ends where libFuzzer says: `python -m tests.fuzz.run NAME …`.

The product is instrumented as it is imported, so nothing of it may be imported before.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import atheris
import structlog


def main(name: str, folder: Path, *arguments: str) -> None:
    """`arguments` are libFuzzer's."""
    with atheris.instrument_imports(include=["dispatcher"]):
        from tests.fuzz.mutation import mutated
        from tests.fuzz.target import Surroundings, bounded
        from tests.fuzz.targets import TARGETS
    structlog.configure(processors=[_unsaid])

    def mutator(data: bytes, largest: int, seed: int) -> bytes:
        return mutated(data, largest, seed, atheris.Mutate)

    with TARGETS[name].opened(Surroundings(folder, os.environ["REDIS_URL"])) as attempt:
        atheris.Setup([sys.argv[0], *arguments], bounded(attempt), custom_mutator=mutator)
        atheris.Fuzz()


def _unsaid(*_: object) -> structlog.typing.ProcessorReturnValue:
    raise structlog.DropEvent


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
