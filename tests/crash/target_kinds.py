"""The kinds of targets of a crash run: their policies, and how their deploys behave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("deploy.sh")
NAMESPACES = ("default", "crash-a", "crash-b")
MAIN, NEXT = "refs/heads/main", "refs/heads/next"


@dataclass(frozen=True)
class TargetKind:
    """What several targets of a run have in common."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    job: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    refs: tuple[str, ...] = (MAIN,)
    dated: bool = False
    """Whether its Git host says when a push was made."""
    pace: float = 1.0
    """How long it waits from one thing to the next, compared with the others."""

    @property
    def every(self) -> bool:
        return self.settings.get("on_new_push") == "every"

    def fails(self, commit: str) -> bool:
        """As deploy.sh decides."""
        return "FAILS" in self.env and commit[0] in "0123"


KINDS = (
    TargetKind("plain"),
    TargetKind("branches", refs=(MAIN, NEXT)),
    TargetKind("wait", {"on_new_push": "wait"}),
    TargetKind("failing", {"keep_failed": 2}, env={"FAILS": "yes"}),
    TargetKind("dated", dated=True),
    TargetKind("every", {"on_new_push": "every", "every_limit": 5}, pace=2),
    TargetKind("stubborn", env={"STUBBORN": "yes"}),
    TargetKind("quiet", {"quiet_period": "1s", "quiet_max": "4s"}),
    TargetKind("spared", {"max_supersedes": 1}, pace=0.5),
    TargetKind("retried", job={"retries": 6}, env={"RETRIED": "yes"}, pace=1.5),
    TargetKind("patient", {"max_supersedes": 2}, {"stop_grace": "3s"}, {"STUBBORN": "yes"}),
    TargetKind("kept", {"keep_failed": 1, "clear_failed_on_success": False}, env={"FAILS": "yes"}),
)


def settings(kind: TargetKind, number: int) -> dict[str, Any]:
    """The target's settings, as `Installation` takes them."""
    return {
        "job": {"command": ["sh", str(SCRIPT)], "env": dict(kind.env), **kind.job},
        "namespace": NAMESPACES[number % len(NAMESPACES)],
        # A deploy may be hit by one kill after another; that is no reason to give it up.
        "start_attempts": 10,
        **kind.settings,
    }
