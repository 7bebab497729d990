"""The walls behind the walls: what a module loads by way of others, and which way the rooms look.

tests/test_walls.py says what a module may import. Here everything counts that those modules import in turn,
with the `__init__` of each package on the way, which Python runs first. An import inside a function counts too.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache

import pytest

from dispatcher.cli import COMMANDS
from tests.test_walls import PURE, ROOT, covers, imports, modules

pytestmark = pytest.mark.xdist_group("parsed code")

# Room → the packages of others that importing it may load, however far away the import stands.
REACH = {
    "dispatcher.domain.*": "msgspec",
    "dispatcher.matching.*": "msgspec",
    "dispatcher.webhooks.*": "msgspec",
    "dispatcher.config.*": "msgspec pydantic pydantic_core structlog yaml",
    "dispatcher.runtime.*": "structlog",
    "dispatcher.ledger.*": "msgspec redis rq structlog",
    "dispatcher.notifications.*": "msgspec",
    "dispatcher.notify.*": "httpx msgspec",
    "workers.causes.*": "msgspec",
    "workers.manifest.*": "msgspec pydantic pydantic_core yaml",
    "workers.plan.*": "msgspec",
}


def packages_of(module: str) -> set[str]:
    """The module and the packages that it lies in: all of them run when it is imported."""
    parts = module.split(".")
    return {".".join(parts[:length]) for length in range(1, len(parts) + 1)} & set(modules())


@cache
def reach(module: str) -> frozenset[str]:
    """Modules of the product and packages of others that importing this one can load."""
    seen: set[str] = set()
    ahead = packages_of(module)
    while ahead:
        name = ahead.pop()
        if name in seen:
            continue
        seen.add(name)
        for wanted in imports(name) if name in modules() else ():
            ahead |= packages_of(wanted) or {wanted}
    return frozenset(seen)


def loaded_by(module: str) -> set[str]:
    """The packages of others among them."""
    return {n for n in reach(module) if n not in modules() and n not in sys.stdlib_module_names}


@cache
def folders() -> frozenset[str]:
    return frozenset(name.rpartition(".")[0] for name in modules())


def room_of(module: str) -> str:
    """Its folder; a module that stands beside folders is a room by itself."""
    folder = module if module in folders() else module.rpartition(".")[0]
    has_folders = any(other.startswith(f"{folder}.") for other in folders())
    return module if has_folders else folder


@pytest.mark.parametrize("room", REACH)
def test_a_room_loads_what_it_may_however_far_away(room: str) -> None:
    inside = [module for module in modules() if covers(room, module)]
    loaded = set().union(*map(loaded_by, inside))

    assert loaded == set(REACH[room].split())


def test_no_two_rooms_need_each_other() -> None:
    needs: dict[str, set[str]] = {}
    for module in modules():
        others = {room_of(name) for name in imports(module) if name in modules()}
        needs.setdefault(room_of(module), set()).update(others - {room_of(module)})

    assert not [
        (room, other) for room in needs for other in needs[room] if room in _far(other, needs)
    ]


def _far(room: str, needs: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    ahead = {room}
    while ahead:
        name = ahead.pop()
        seen.add(name)
        ahead |= needs.get(name, set()) - seen
    return seen


def test_a_module_that_says_it_is_pure_is_held_to_it() -> None:
    says = {
        module
        for module, tree in modules().items()
        if re.search(r"\bPure\b", ast.get_docstring(tree) or "")
    }

    assert not {name for name in says if not any(covers(line, name) for line in PURE)}


ASKING = ("Targets and deploys", "Deliveries", "Notifications", "Pauses and repairs", "Access")
"""Panels of commands that only ask the API: people wait for them, and so do their shells."""
HEAVY = {"kubernetes", "pydantic", "redis", "rq", "starlette", "structlog", "uvicorn", "yaml"}


def test_a_command_that_only_asks_the_api_loads_no_heavy_library() -> None:
    modules = {module for panel in ASKING for module in COMMANDS[panel].values()}
    names = ", ".join(f"dispatcher.commands.{module}" for module in sorted(modules))

    assert not HEAVY & loaded(names)


def test_reporting_a_push_loads_no_heavy_library() -> None:
    assert not HEAVY & loaded("dispatcher.commands.notify")


def loaded(names: str) -> set[str]:
    """What a process has loaded that imports these and `dispatcher.cli`."""
    code = f"import sys, dispatcher.cli, {names}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())
