"""The glossary in docs/architecture.md is true: its names are in the code, and retired words are nowhere."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.test_walls import modules

pytestmark = pytest.mark.xdist_group("parsed code")

ROOT = Path(__file__).parents[1]
ROOMS = ("dispatcher", "workers")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
TEXTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *MODULES,
    *sorted((ROOT / "dispatcher").rglob("*.lua")),
]
TESTS = sorted(set((ROOT / "tests").rglob("*.py")) - {Path(__file__)})

RETIRED = {
    "crowd": "connection limits",
    "feed": "reflector",
    "purely": "pure",
    "seldom": "log throttle",
    "shelf": "delivery log",
    "silence": "circuit breaker, untaken",
    "stranger": "unauthenticated",
    "tombstone": "name reservation",
    "trail": "delivery log",
    "unproved": "rejected, unauthenticated",
    "vain": "failures",
}
"""Retired word → what it is called now."""
OTHERS = re.compile(r"FEED_MAX_COMMIT_NUM|line feeds?|_stream\.feed")
"""Words of others."""


def entries() -> list[tuple[str, str, list[str]]]:
    """Term, meaning and names in the code: a row of the glossary."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = page.partition("| Term | Meaning | In the code |\n|---|---|---|\n")[2]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")]
    return [
        (term.strip(), said.strip(), re.findall(r"`([^`]+)`", code)) for term, said, code in rows
    ]


ENTRIES = entries()
NAMED = {name for _, _, names in ENTRIES for name in names}


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def known() -> set[str]:
    """Modules, their classes and functions, those inside classes too, and scripts."""
    defined = {
        node.name
        for tree in modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return defined | set(modules()) | {path.name for path in (ROOT / "dispatcher").rglob("*.lua")}


def test_each_term_has_one_row_and_one_meaning() -> None:
    counted = Counter(term.lower() for term, _, _ in ENTRIES)

    assert ENTRIES
    assert [term for term, times in counted.items() if times > 1] == []
    assert [term for term, said, _ in ENTRIES if not said] == []
    assert [term for term, _, _ in ENTRIES] == sorted((t for t, _, _ in ENTRIES), key=str.lower)


@pytest.mark.parametrize("name", sorted(NAMED))
def test_each_name_of_the_glossary_is_in_the_code(name: str) -> None:
    assert name in known()


def test_each_package_is_in_the_glossary() -> None:
    packages = {dotted(path) for path in MODULES if path.name == "__init__.py"}

    assert packages - set(ROOMS) - NAMED == set()


def test_each_class_of_the_domain_is_in_the_glossary() -> None:
    domain = [tree for name, tree in modules().items() if name.startswith("dispatcher.domain")]
    classes = {
        node.name
        for tree in domain
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }

    assert classes - NAMED == set()


def words(text: str) -> set[str]:
    """The words of prose and of identifiers, in lower case and the singular."""
    found = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", OTHERS.sub("", text))
    return {word.lower() for word in found} | {word.lower().rstrip("s") for word in found}


@cache
def words_in(path: Path) -> set[str]:
    return words(path.read_text())


@pytest.mark.parametrize("retired", RETIRED)
def test_a_retired_word_is_nowhere(retired: str) -> None:
    texts = (*TEXTS, *TESTS)
    named = [path for path in texts if retired in words(dotted(path))]
    used = [path for path in texts if retired in words_in(path)]

    assert [str(path.relative_to(ROOT)) for path in {*named, *used}] == []


PHRASES = (
    r"cleared away",
    r"come again",
    r"for whoever",
    r"in vain",
    r"is let go",
    r"lets? it go",
    r"of late",
    r"once more",
    r"puts? right",
    r"says anew",
    r"without a word",
)
"""Turns of phrase that hide who acts, or that nobody would search for."""


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_retired_phrase_is_nowhere(phrase: str) -> None:
    searched = re.compile(rf"\b{phrase}\b".replace(" ", r"[\s#-]+"))

    assert [str(p.relative_to(ROOT)) for p in TEXTS if searched.search(p.read_text())] == []
