"""What YAML accepts silently and people don't mean, and what it accepts to do harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from dispatcher.config import read_configuration
from dispatcher.domain.errors import ConfigError
from tests.examples import examples

GOOD = "{repository: https://a.b/c, branches: [main], job: {image: x}}"


def mistakes(path: Path, content: str | bytes) -> list[str]:
    file = path / "c.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as caught:
        read_configuration(file, {})
    return [line.removeprefix(f"{path}/") for line in caught.value.mistakes]


@pytest.mark.parametrize(
    ("content", "mistake"),
    [
        ("", "c.yaml: is empty; start it with `version: 1`"),
        ("# nothing", "c.yaml: is empty; start it with `version: 1`"),
        ("[]", "c.yaml:1: is not a mapping; start it with `version: 1`"),
        ("targets: {}", "c.yaml:1: version: is missing; write `version: 1`"),
        ("version: true", "c.yaml:1: version: true is not a supported version"),
        ("version: '1'", 'c.yaml:1: version: "1" is not a supported version'),
        ("version: 1\n---\nversion: 2", "c.yaml:3: a second document starts here"),
        ("version: 1\ntargets: {a: [}", "c.yaml:2: is not YAML: "),
        ("version: 1\n\ttargets: 1", "c.yaml:2: is not YAML: "),
        ("version: 1\nversion: 1", "c.yaml:2: version: is also set in line 1"),
        ("version: 1\ntargets: {on: 1}", 'targets: on is not a name in YAML; write "on" in quotes'),
        ("version: 1\ntargets: {5: 1}", 'targets: 5 is not a name in YAML; write "5" in quotes'),
        ("version: 1\ntargets: {[a]: 1}", "targets: has a key that is not a name"),
        ("version: 1\ntargets: !!set {a}", "is a tag that configuration files cannot use"),
        (
            "version: 1\ntargets: !!python/object:os.system {}",
            "is a tag that configuration files cannot use",
        ),
        ("version: 1\ntargets: *nobody", "c.yaml:2: is not YAML: "),
        ("version: 1\ntargets: &a {b: *a}", "aliases expand to more than"),
        ("version: 1\ntargets: &a {<<: *a}", "aliases expand to more than"),
        ('version: 1\nx: "\\uD800"', "holds a character that is not allowed in text"),
        ('version: 1\nx: "\\UFFFFFFFF"', "holds a character that YAML does not allow"),
        ("version: 1\nx: \x01", "holds a character that YAML does not allow"),
        (b"version: 1\nx: \xff", "c.yaml:2: is not UTF-8"),
        ("version: 1\nx: " + "9" * 5000, "is too large for a number"),
        ("version: 1\nx: .nan", "is not a usable number"),
        ("version: 1\nx: !!int a", "is not a whole number"),
        ("version: 1\nx: " + "[" * 100, "nested deeper than 50"),
        (b" " * (1024 * 1024 + 1), "c.yaml: is larger than 1 MiB"),
    ],
)
def test_a_file_s_mistake_says_what_to_do(
    tmp_path: Path, content: str | bytes, mistake: str
) -> None:
    lines = mistakes(tmp_path, content)
    assert any(mistake in line for line in lines), lines


def test_aliases_that_explode_are_refused_quickly(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    lines = mistakes(tmp_path, "version: 1\n" + "\n".join(levels))
    assert any("aliases expand to more than 50000 values" in line for line in lines)


def test_aliases_and_merges_are_read(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f"""\
version: 1
targets:
  a: &a {GOOD}
  b: {{<<: *a, branches: [b]}}
""")
    targets = read_configuration(file, {}).targets
    assert targets["b"].branches == ("b",)
    assert targets["b"].repository == targets["a"].repository


def test_a_date_or_a_time_is_a_text(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("""\
version: 1
targets: {a: {repository: https://a.b/c, branches: [2024-01-01], job: {image: x, env: {T: 12:30}}}}
""")
    assert read_configuration(file, {}).targets["a"].branches == ("2024-01-01",)


words = st.sampled_from(
    [
        "version",
        "hooks",
        "targets",
        "defaults",
        "job",
        "env",
        "clone",
        "branches",
        "secrets",
        "image",
        "manifest",
        "provider",
        "timeout",
        "name",
        "repository",
        "resources",
        "limits",
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | words
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(words | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)
named = st.dictionaries(st.sampled_from(["shop", "docs"]) | words, trees, max_size=3)
documents = st.fixed_dictionaries(
    {"version": st.just(1) | trees},
    optional={"hooks": named | trees, "targets": named | trees, "defaults": trees},
)


def survives(directory: Path, content: bytes) -> None:
    """Whatever is in a file, what comes out is a configuration or its mistakes, one a line."""
    file = directory / "c.yaml"
    file.write_bytes(content)
    lines: tuple[str, ...] = ("fine",)
    try:
        read_configuration(file, {"A": "b"})
    except ConfigError as error:
        lines = error.mistakes
    assert lines
    assert all(line.isprintable() for line in lines), lines


BOUNDED = examples(
    150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(tree=documents)
@BOUNDED
def test_any_tree_is_read_or_refused(tmp_path: Path, tree: object) -> None:
    survives(tmp_path, json.dumps(tree, ensure_ascii=True).encode())


@given(
    settings_=st.dictionaries(words, trees, max_size=4),
    job=st.dictionaries(words, trees, max_size=4),
)
@BOUNDED
def test_any_target_is_read_or_refused(
    tmp_path: Path, settings_: dict[str, object], job: dict[str, object]
) -> None:
    tree = {"version": 1, "targets": {"shop": {**settings_, "job": job}}}
    survives(tmp_path, json.dumps(tree).encode())


@given(content=st.binary(max_size=200))
@BOUNDED
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    survives(tmp_path, content)


@given(content=st.text(alphabet="ab:-{}[]&*!<>|#\"'%@`,? \n\t01~\\x.", max_size=60))
@BOUNDED
def test_any_punctuation_is_read_or_refused(tmp_path: Path, content: str) -> None:
    survives(tmp_path, b"version: 1\ntargets: " + content.encode())


@pytest.mark.parametrize("name", ["Shop", "shop_docs", "Shop Docs", "x" * 41])
def test_a_target_whose_name_is_no_name_is_a_mistake_and_not_dropped(
    tmp_path: Path, name: str
) -> None:
    file = tmp_path / "c.yaml"
    target = {
        "repository": "https://git.example.com/a/b",
        "branches": ["main"],
        "job": {"image": "i", "command": ["c"]},
    }
    file.write_text(yaml.safe_dump({"version": 1, "targets": {name: target}}))

    with pytest.raises(ConfigError) as raised:
        read_configuration(file, {})

    assert name in str(raised.value)
