"""How a message quotes a value."""

from __future__ import annotations

import json

SHOWN = 60
"""Most characters of a value that a message quotes."""


def quoted(value: object) -> str:
    """On one line, shortened: `"15"`, `true`."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
