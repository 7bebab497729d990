"""What the project says about itself is so: README, changelog, Makefile, Procfile, documents."""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer

from dispatcher import __version__, cli
from dispatcher.config import describe, read_configuration
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.transitions import TRANSITIONS

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")]
)
WIDTH, WIDTH_OF_TABLES = 120, 140
LEFT_OUT = {".git", ".venv", ".dispatcher", "__pycache__", "build", "dist"}
LEFT_OUT |= {".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".fuzz"}


def read(name: str) -> str:
    return (ROOT / name).read_text()


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def fences(text: str, language: str = r"\w*") -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)


def code(text: str) -> Iterator[str]:
    """Every line of code in a document, continued ones joined, and every span of code in its prose."""
    for block in fences(text):
        yield from block.replace("\\\n", " ").splitlines()
    prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", prose)


# README and changelog


def test_the_configuration_in_the_readme_is_valid(tmp_path: Path) -> None:
    (block,) = fences(read("README.md"), "yaml")
    (tmp_path / "c.yaml").write_text(block)
    environ = dict.fromkeys(re.findall(r"env: ([A-Z_]+)", block), "a-secret")

    understood = describe(read_configuration(tmp_path / "c.yaml", environ))

    assert set(understood["hooks"]) == {"github"}
    assert set(understood["targets"]) == {"shop"}
    assert environ


def test_the_readme_fits_on_a_screen_and_a_half() -> None:
    assert len(read("README.md").splitlines()) <= 75


def test_the_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## \[(\S+)\]", read("CHANGELOG.md"), re.MULTILINE)

    assert versions[0] == __version__


def test_the_license_is_the_one_that_the_package_names() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]

    assert project["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0, January 2004" in read("LICENSE")


def test_the_classifiers_name_the_pythons_that_the_tests_ran_with() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    python = "Programming Language :: Python :: 3."
    named = [each.removeprefix(python) for each in project["classifiers"] if python in each]
    ran = re.search(r"All tests pass with Python (.+)\.\n", read("CONTRIBUTING.md"))

    assert ran is not None
    assert [f"3.{each}" for each in named] == re.findall(r"3\.\d+", ran[1])
    assert project["requires-python"] == f">=3.{named[0]}"


# Makefile, Procfile, continuous integration


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.* ## ", read("Makefile"), re.MULTILINE))


def test_the_makefile_has_what_documents_name() -> None:
    found = {line for path in DOCUMENTS for line in code(path.read_text())}
    named_targets = {line.split()[1] for line in found if re.match(r"make [a-z]", line)}

    assert {"demo", "test"} <= named_targets <= targets()


def test_the_makefile_installs_extras_that_exist() -> None:
    extras = tomllib.loads(read("pyproject.toml"))["project"]["optional-dependencies"]

    assert set(re.findall(r"call install,(\w+)", read("Makefile"))) == set(extras)


def test_the_procfile_starts_the_processes() -> None:
    started = dict(line.split(": git-dispatcher ") for line in read("Procfile").splitlines())

    assert started == {name: name for name in ("web", "worker", "watcher")}
    assert set(started) <= set(commands())


def test_continuous_integration_runs_the_commands_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-2:] == ["make lint", "make test"]
    assert "make test" in fences(read("README.md"), "sh")[0]


# Documents


@cache
def commands() -> dict[str, set[str]]:
    """Command → its options."""
    found = typer.main.get_command(cli.build()).commands  # type: ignore[attr-defined]
    return {
        name: {option for parameter in command.params for option in parameter.opts} | {"--help"}
        for name, command in found.items()
    }


def uses() -> Iterator[tuple[str, str]]:
    """Each `git-dispatcher command …` in a document, with the document's name."""
    for path in DOCUMENTS:
        for line in code(path.read_text()):
            for use in re.findall(r"(?<![\w./=-])git-dispatcher ([a-z].*)", line):
                yield named(path), use


@pytest.mark.parametrize(("document", "use"), sorted(set(uses())))
def test_every_command_in_a_document_exists(document: str, use: str) -> None:
    words = shlex.split(use, comments=True)

    assert words[0] in commands(), document
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert options <= commands()[words[0]], document


@pytest.mark.parametrize("document", [named(path) for path in DOCUMENTS])
def test_lines_are_of_readable_length(document: str) -> None:
    lines = enumerate(read(document).splitlines(), 1)
    assert not [
        (number, line)
        for number, line in lines
        if len(line) > (WIDTH_OF_TABLES if line.startswith("|") else WIDTH)
    ]


def slug(heading: str) -> str:
    """The anchor that a heading gets where documents are shown."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("document", [named(path) for path in DOCUMENTS])
def test_links_lead_somewhere(document: str) -> None:
    prose = re.sub(r"^ *```.*?^ *```$", "", read(document), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose)):
        if target.startswith("https://"):
            continue
        place, _, anchor = target.partition("#")
        path = (ROOT / document).parent / place if place else ROOT / document
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
            assert anchor in map(slug, headings), target


def rows(document: str, *header: str) -> dict[str, str]:
    """First cell → last cell of the table with this header."""
    _, found, rest = read(document).partition(f"| {' | '.join(header)} |\n")
    assert found, header
    table = re.match(r"(?:\|.*\n)*", rest)
    assert table
    cells = [line.strip("|").split("|") for line in table[0].splitlines()[1:]]
    return {first.strip().strip("`"): last for first, *_, last in cells}


def test_the_documented_transitions_are_those_of_the_model() -> None:
    expected = {str(state): set(map(str, after - {state})) for state, after in TRANSITIONS.items()}
    table = rows("docs/architecture.md", "State", "Meaning", "Can become")
    (diagram,) = fences(read("docs/architecture.md"), "mermaid")
    arrows = re.findall(r"^ +(\w+) --> (\w+)$", diagram, re.MULTILINE)

    assert {state: set(re.findall(r"\w+", cell)) for state, cell in table.items()} == expected
    assert set(arrows) == {(state, each) for state, after in expected.items() for each in after}


def test_the_documented_outcomes_are_those_of_the_model() -> None:
    listed = read("docs/api.md").partition("`outcome` is one of\n\n")[2]
    items = re.findall(r"^- `(\w+)`: ", listed.partition("\n\n")[0], re.MULTILINE)

    assert items == list(map(str, Outcome))


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    files = sorted(path.name for path in folder.glob("[0-9]*.md"))

    assert re.findall(r"\]\((\d\S+)\)", (folder / "README.md").read_text()) == files
    for number, name in enumerate(files, 1):
        assert (folder / name).read_text().startswith(f"# {number}. "), name


# Every text


def texts() -> Iterator[Path]:
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [f for f in folders if f not in LEFT_OUT and not f.endswith(".egg-info")]
        yield from (Path(folder, name) for name in files)


def private_places() -> re.Pattern[str]:
    """Home directories, but for those of examples, and where this checkout is."""
    here = [ROOT, Path.home()]
    known = [re.escape(f"{path}/") for path in here if len(path.parts) > 2]
    return re.compile(
        "|".join([r"/root/", r"/(?:home|Users)/(?!ann/|git-dispatcher\b)\w+/", *known])
    )


def test_no_text_names_a_place_on_somebody_s_machine() -> None:
    private = private_places()
    found = [
        f"{named(path)}: {match[0]}"
        for path in texts()
        if path != Path(__file__)
        for match in private.finditer(path.read_bytes().decode(errors="replace"))
    ]
    assert not found
