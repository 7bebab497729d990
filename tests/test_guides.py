"""What the guides under docs/ quote exists: messages, words of answers and logs, configurations."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from dispatcher.config import VARIABLES, read_configuration
from dispatcher.config.targets import Target
from dispatcher.domain.job_contract import RESERVED
from dispatcher.webhooks.results import AuthFailure
from tests.test_walls import modules

pytestmark = pytest.mark.xdist_group("parsed code")

ROOT = Path(__file__).parents[1]
TROUBLE = (ROOT / "docs" / "troubleshooting.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
SECURITY = (ROOT / "docs" / "security.md").read_text()
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
KUBERNETES = {
    *("CreateContainerConfigError", "FailedCreatePodSandBox", "FailedMount", "ImagePullBackOff"),
    "Usage of EmptyDir volume",
}
"""Words of the cluster behind git-dispatcher's own."""
LETTERS = 8
"""A formatted text with fewer of its own could be anything."""


def nodes() -> Iterator[ast.AST]:
    for tree in modules().values():
        yield from ast.walk(tree)


def texts() -> Iterator[str]:
    """Each string in the code, without what formatted ones fill in; docstrings too."""
    for node in nodes():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg


@cache
def code() -> str:
    return "\n".join(texts())


@cache
def formatted_texts() -> list[re.Pattern[str]]:
    """What each formatted string says, whatever is filled in."""
    strings = [node for node in nodes() if isinstance(node, ast.JoinedStr)]
    return [pattern for string in strings if (pattern := said_by(string))]


def said_by(string: ast.JoinedStr) -> re.Pattern[str] | None:
    own = [str(v.value) if isinstance(v, ast.Constant) else "" for v in string.values]
    if sum(map(str.islower, "".join(own))) < LETTERS:
        return None
    pattern = "".join(re.escape(text) or ".+?" for text in own)
    return re.compile(pattern.removesuffix(".+?").removesuffix("\\ "))


SETTINGS = {*Target.model_fields, *(variable.name for variable in VARIABLES)}


def spans(page: str) -> set[str]:
    prose = re.sub(r"^ *```.*?^ *```$", "", page, flags=re.DOTALL | re.MULTILINE)
    found = (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose))
    return {span for span in found if not span.startswith(PROGRAMS) and span not in HTTP}


def parts(message: str) -> list[str]:
    """What of a message is not filled in: names, numbers and sentences of others stand as `…`."""
    plain = re.sub(r"[\w-]+/\d+|\b[0-9a-f]{8,}\b|\bshop\b", "…", message)
    return [part for part in (each.strip(' "-') for each in plain.split("…")) if part]


def is_said(message: str) -> bool:
    return message in code() or any(text.search(message) for text in formatted_texts())


@pytest.mark.parametrize("message", sorted(spans(TROUBLE) | spans(OPERATIONS)))
def test_a_message_that_a_guide_quotes_is_one_of_the_code(message: str) -> None:
    """A cause is put together of what happened and what the cluster says, with a colon in between."""
    known = SETTINGS | KUBERNETES
    pieces = [
        each for part in parts(message) for each in re.split(r": |:$|=|\.(?=\w)", part) if each
    ]

    assert is_said(message) or [p for p in pieces if p not in known and not is_said(p)] == []


@pytest.mark.parametrize(
    "module", sorted(set(re.findall(r"`((?:dispatcher|workers)\.[\w.]+)`", SECURITY)))
)
def test_a_module_that_the_threat_model_names_exists(module: str) -> None:
    path = ROOT / Path(*module.split("."))

    assert path.is_dir() or path.with_suffix(".py").is_file()


def test_each_authentication_failure_that_is_named_exists() -> None:
    page = TROUBLE.partition("**401.**")[2].partition("- **404")[0]
    named = set(re.findall(r"^ +- `([a-z_]+)`: ", page, re.MULTILINE))

    assert named == set(map(str, AuthFailure)) - {"signature_repeated", "signature_malformed"}


@pytest.mark.parametrize(
    "message",
    [
        "namespace listed",
        "found in the cluster: the ledger did not know it",
        "no watcher has listed the cluster into this Redis yet",
        "is taken to be at that commit from now on",
        "was never deployed, so there is nothing to redeploy",
        "Redis was emptied",
        "its Job completed",
    ],
)
def test_what_the_restore_drill_has_shown_is_still_said(message: str) -> None:
    assert is_said(message)
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
