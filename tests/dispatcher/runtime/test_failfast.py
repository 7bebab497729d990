"""No thread and no task of the product ends unheard."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

SCRIPT = """
import signal, sys, threading, time
from dispatcher.runtime import logs
from dispatcher.runtime.failfast import watch_threads

logs.configure("json", "info")
watch_threads()
told = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: told.set())
threading.Thread(target=lambda: {}["nobody thought of it"], name="reflector-job", daemon=True).start()
sys.exit(0 if told.wait(60) else 1)
"""


def test_a_thread_that_dies_is_logged_and_ends_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0
    assert '"thread": "reflector-job"' in done.stderr
    assert "thread died, the process ends" in done.stderr
    assert "KeyError" in done.stderr
    assert '"level": "critical"' in done.stderr


STARTERS = {
    "dispatcher/http/background.py": "logs what a round raises, and ends the process with a task",
    "dispatcher/http/connection/threads.py": "hands whatever is raised to who waits for it",
    "dispatcher/commands/changes.py": "whoever waits looks by itself too",
    "dispatcher/metrics/server.py": "worker and watcher watch their threads; a scrape that fails is one scrape",
    "dispatcher/ledger/submitter.py": "web watches its threads, and each group has its chance",
    "workers/notify/notifier.py": "the watcher watches its threads; a courier that was stopped ends by itself",
    "workers/logs/relay.py": "the watcher watches its threads, and what cannot be read is tried again",
    "workers/logs/relays.py": "the watcher watches its threads",
    "workers/logs/writer.py": "the watcher watches its threads",
    "workers/watch/reflector.py": "the watcher watches its threads, and a reflector that fails lists again",
    # Embedded parts
    "dispatcher/local/pod_history.py": "a witness that died has seen nothing, and says so",
    "dispatcher/local/supervisor.py": "what keeps a part running tells why it does not",
    "dispatcher/local/up.py": "starts are waited for; making namespaces is tried again",
    "dispatcher/local/cluster/cluster.py": "a controller that ends, ends the cluster",
    "dispatcher/local/cluster/kubelet/kubelet.py": "logs what running a Pod raises",
    "dispatcher/local/cluster/kubelet/pod_run.py": "waited for by the run of its Pod, or ended with it",
    "dispatcher/local/cluster/kubelet/container_run.py": "waits for events, which cannot fail",
    "dispatcher/local/cluster/apiserver/watch.py": "waits for an event, which cannot fail",
}
"""Modules that start threads or tasks, and who hears of their end. A new one fails until it is added."""

STARTS = {"Thread", "create_task", "ensure_future", "TaskGroup", "ThreadPoolExecutor", "Process"}


def starts(path: Path) -> bool:
    names = (
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    )
    return not STARTS.isdisjoint(names)


def test_every_module_that_starts_something_says_who_hears_of_its_end() -> None:
    sources = [*ROOT.glob("dispatcher/**/*.py"), *ROOT.glob("workers/**/*.py")]

    found = {str(path.relative_to(ROOT)) for path in sources if starts(path)}

    assert found == set(STARTERS)


@pytest.mark.parametrize(
    ("module", "functions"),
    [
        ("dispatcher/commands/serve.py", {"serve"}),
        ("workers/__main__.py", {"run_worker", "run_watcher"}),
    ],
)
def test_every_process_watches_its_threads(module: str, functions: set[str]) -> None:
    tree = ast.parse((ROOT / module).read_text())

    watching = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and "watch_threads()" in ast.unparse(node)
    }

    assert watching == functions
