"""What the guides under docs/ quote exists: messages, words of answers and logs, configurations."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.config import VARIABLES, read_configuration
from dispatcher.config.targets import Target
from dispatcher.domain.job_contract import RESERVED
from dispatcher.webhooks.parsed import AuthFailure

ROOT = Path(__file__).parents[1]
TROUBLE = (ROOT / "docs" / "troubleshooting.md").read_text()
BACKUP = (ROOT / "docs" / "backup.md").read_text()
MIGRATING = (ROOT / "docs" / "migrating.md").read_text()
PROGRAMS = (
    "git-dispatcher ",
    "kubectl",
    "rq ",
    "curl ",
    "redis-cli",
    "https://",
    "/webhooks/",
    "deploy/",
)
HTTP = {"Authorization", "POST", "application/json", "503", "Redeliver"}
"""What is said in spans of code and isn't git-dispatcher's own."""


def texts() -> Iterator[str]:
    """Each string in the code, without what formatted ones fill in; docstrings too."""
    for room in ("dispatcher", "workers"):
        for path in (ROOT / room).rglob("*.py"):
            tree = ast.parse(path.read_text())
            yield from (
                node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            )
            yield from (node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))
            yield from (
                node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg
            )


CODE = "\n".join(texts())


def spans(page: str) -> set[str]:
    prose = re.sub(r"^ *```.*?^ *```$", "", page, flags=re.DOTALL | re.MULTILINE)
    found = (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose))
    return {span for span in found if not span.startswith(PROGRAMS) and span not in HTTP}


def parts(message: str) -> list[str]:
    """What of a message is not filled in: names, numbers and sentences of others stand as `…`."""
    plain = re.sub(r"[\w-]+/\d+|\b[0-9a-f]{8,}\b", "…", message)
    return [part for part in (each.strip(' "') for each in plain.split("…")) if part]


@pytest.mark.parametrize("message", sorted(spans(TROUBLE)))
def test_a_message_of_the_troubleshooting_page_is_one_of_the_code(message: str) -> None:
    known = CODE + "\n".join(Target.model_fields) + "\n".join(v.name for v in VARIABLES)
    assert [part for part in parts(message) if part not in known] == []


def test_each_way_to_fail_the_proof_of_origin_that_is_named_exists() -> None:
    page = TROUBLE.partition("**401.**")[2].partition("- **404")[0]
    named = set(re.findall(r"^ +- `([a-z_]+)`: ", page, re.MULTILINE))

    assert named == set(map(str, AuthFailure)) - {"signature_repeated", "signature_malformed"}


@pytest.mark.parametrize(
    "message",
    [
        "found in the cluster: the ledger did not know it",
        "no watcher has listed the cluster into this Redis yet",
        "is taken to be at that commit from now on",
        "was never deployed, so there is nothing to run again",
        "Redis was emptied",
        "its Job completed",
    ],
)
def test_what_the_restore_drill_has_shown_is_still_said(message: str) -> None:
    assert message in CODE
    assert message in " ".join(BACKUP.split())


@pytest.mark.parametrize(
    "block", re.findall(r"^```yaml\n(targets:.*?)^```$", MIGRATING, re.DOTALL | re.MULTILINE)
)
def test_each_target_of_the_migration_guide_is_valid(block: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(f"version: 1\n{block}")

    assert set(read_configuration(tmp_path / "c.yaml", {}).targets) == {"shop"}


def test_each_variable_of_the_migration_guide_reaches_a_job() -> None:
    named = set(re.findall(r"`(GIT_\w+|DEPLOY_\w+)`", MIGRATING))

    assert named <= RESERVED
    assert named
