"""All that is fuzzed, by name."""

from __future__ import annotations

from collections.abc import Mapping

from tests.fuzz import deliveries, endpoint, files, texts
from tests.fuzz.target import Target

TARGETS: Mapping[str, Target] = {
    **deliveries.TARGETS,
    **texts.TARGETS,
    **files.TARGETS,
    **endpoint.TARGETS,
}
