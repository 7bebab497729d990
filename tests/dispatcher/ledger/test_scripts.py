"""The scripts' headers, held against what the scripts read and what Python sends and expects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

import msgspec
import pytest
import redis
from msgspec.inspect import NoneType, StructType, UnionType, type_info

from dispatcher.ledger import (
    delivery_log,
    observations,
    operations,
    processes,
    redeployment,
    relayed_logs,
    renaming,
    schedule,
    slots,
    submission,
    targets,
)
from dispatcher.ledger.scripts import included, source, text

ARGUMENTS: dict[str, type[msgspec.Struct]] = {
    "append_log": relayed_logs.Arguments,
    "cancel": operations.Arguments,
    "claim_slot": slots.Arguments,
    "heartbeat": processes.Arguments,
    "log_delivery": delivery_log.Arguments,
    "observe": observations.Arguments,
    "record": targets.Arguments,
    "redeploy": redeployment.Arguments,
    "rename": renaming.Arguments,
    "submit": submission.Arguments,
    "wake": schedule.Arguments,
}
REPLIES: dict[str, type[msgspec.Struct]] = {
    "acquire": targets.Acquired,
    "cancel": operations.Reply,
    "claim_slot": slots.Reply,
    "redeploy": redeployment.Reply,
    "submit": submission.Reply,
}
PARTS = sorted(
    each.name.removesuffix(".lua")
    for each in (files("dispatcher.ledger") / "lua").iterdir()
    if each.name.endswith(".lua")
)
SCRIPTS = [name for name in PARTS if not name.startswith("_")]
MOST_POSITIONS = 3
"""Arguments that a script takes by their positions: more are a document."""


LONGEST_FUNCTION = 26
"""Lines."""


def header(name: str) -> list[str]:
    lines = text(name).splitlines()
    return lines[: next(at for at, line in enumerate(lines) if not line.startswith("--"))]


def section(name: str, title: str) -> list[str]:
    """The part of the header that begins with the title, up to the next one."""
    found: list[str] = []
    for line in header(name):
        if line.startswith(f"-- {title} "):
            found = [line]
        elif found and re.match(r"-- \S", line):
            break
        elif found:
            found.append(line)
    return found


def listed(name: str, title: str) -> set[str]:
    """The names of a document's fields."""
    return {m[1] for line in section(name, title) if (m := re.match(r"--   (\w+)  +\S", line))}


def has_document(name: str, title: str) -> bool:
    return bool(re.search(r"\bdocument\b", section(name, title)[0]))


def field_types(struct: type[msgspec.Struct]) -> Iterator[tuple[str, object]]:
    shape = type_info(struct)
    assert isinstance(shape, StructType)
    for field in shape.fields:
        yield field.encode_name, field.type


def field_names(struct: type[msgspec.Struct]) -> set[str]:
    return {name for name, _ in field_types(struct)}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_says_what_its_keys_arguments_and_reply_are(name: str) -> None:
    assert all(section(name, title) for title in ("KEYS", "ARGV", "Reply"))


@pytest.mark.parametrize("name", PARTS)
def test_each_file_says_in_one_line_what_it_is_for(name: str) -> None:
    assert re.match(r"-- [A-Z].+", header(name)[0])


def test_what_has_a_document_is_known_here() -> None:
    assert {name for name in SCRIPTS if has_document(name, "ARGV")} == set(ARGUMENTS)
    assert {name for name in SCRIPTS if has_document(name, "Reply")} == set(REPLIES)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_the_header_the_struct_and_the_script_agree_on_the_arguments(name: str) -> None:
    read = set(re.findall(r"\barg\.(\w+)", source(name)))

    assert listed(name, "ARGV") == field_names(ARGUMENTS[name]) == read


@pytest.mark.parametrize("name", REPLIES)
def test_the_header_the_struct_and_the_script_agree_on_the_reply(name: str) -> None:
    written = set(re.findall(r"\b(\w+) = ", source(name)))

    assert listed(name, "Reply") == field_names(REPLIES[name])
    assert field_names(REPLIES[name]) <= written


@pytest.mark.parametrize("name", ARGUMENTS)
def test_no_argument_is_null(name: str) -> None:
    """What cjson makes of null counts as true in Lua."""
    for field, kind in field_types(ARGUMENTS[name]):
        choices = kind.types if isinstance(kind, UnionType) else (kind,)
        assert not any(isinstance(choice, NoneType) for choice in choices), field


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name not in ARGUMENTS])
def test_more_than_a_few_arguments_are_a_document(name: str) -> None:
    positions = re.findall(r"  (\d+) \S", section(name, "ARGV")[0])

    assert len(positions) <= MOST_POSITIONS


def test_every_include_is_included_by_a_script() -> None:
    used = {part for name in SCRIPTS for part in included(name)}

    assert used | {"_fence"} == set(PARTS) - set(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_include_stands_behind_what_it_includes_and_once(name: str) -> None:
    parts = [*included(name), name]

    assert len(parts) == len(set(parts))
    for at, part in enumerate(parts):
        assert set(included(part)) <= set(parts[:at])


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("fenced", [False, True])
def test_a_server_takes_the_script(client: redis.Redis, name: str, fenced: bool) -> None:
    """Lua has bounds: locals of a function, and those of others that it uses."""
    assert client.script_load(source(name, fenced))


@pytest.mark.parametrize("name", PARTS)
def test_functions_are_short(name: str) -> None:
    functions = re.findall(
        r"^local function (?![^\n]* end$).*?^end$", text(name), re.MULTILINE | re.DOTALL
    )

    assert [each for each in functions if each.count("\n") > LONGEST_FUNCTION] == []
