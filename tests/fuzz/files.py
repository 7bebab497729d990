"""The configuration reader: whatever a file holds, it is understood or its mistakes are told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from dispatcher.config import describe, read_configuration, read_without_secrets
from dispatcher.domain.errors import ConfigError
from tests.dispatcher.http.web import CONFIGURATION
from tests.dispatcher.http.webhooks.test_providers import configuration
from tests.fuzz.target import Attempt, Surroundings, Target

DOCUMENTS = Path(__file__).parents[2]
SECRETS = {
    "HOOK_SECRET": "x" * 16,
    "OLD_SECRET": "y" * 16,
    "GITHUB_WEBHOOK_SECRET": "z" * 16,
    "PASSWORD": "a:" + "b" * 16,
}


def reading(surroundings: Surroundings) -> AbstractContextManager[Attempt]:
    file = surroundings.folder / "c.yaml"

    def attempt(data: bytes) -> None:
        file.write_bytes(data)
        with suppress(ConfigError):
            describe(read_configuration(file, SECRETS))
        with suppress(ConfigError):
            read_without_secrets(file)

    return nullcontext(attempt)


def seeds() -> Iterator[bytes]:
    yield CONFIGURATION.encode()
    yield configuration().encode()
    for name in ("README.md", "docs/configuration.md"):
        text = (DOCUMENTS / name).read_text()
        for block in re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            yield block.encode()
            yield f"version: 1\ntargets:\n  x:\n    {block.replace(chr(10), chr(10) + '    ')}".encode()


TARGETS = {"configuration": Target(reading, seeds)}
