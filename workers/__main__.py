"""`python -m workers worker` and `python -m workers watcher`: what the command line starts."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from dispatcher.config import Environment, read_without_secrets
from dispatcher.config.reloading import Reloader
from dispatcher.domain.errors import (
    ClusterUnavailable,
    DispatcherError,
    LedgerUnavailable,
    UsageError,
)
from dispatcher.domain.process import ProcessKind
from dispatcher.heartbeats import Heartbeats
from dispatcher.ledger import Observations, Processes, connect
from dispatcher.metrics.registry import Registry
from dispatcher.metrics.watcher import WatcherMetrics
from dispatcher.runtime import logs
from dispatcher.runtime.failfast import watch_threads
from workers import tasks, wiring
from workers.commands import diff as diffing
from workers.commands.sweep import Sweep
from workers.heartbeat import Beat, HeartbeatFile
from workers.kube import labels
from workers.listener import WAITS, Listener
from workers.watch.election import Election

DEQUEUE_SECONDS = WAITS + 10
"""Longer than RQ's own wait for a task, which would otherwise look like a Redis that hangs."""

NAMES = {"diff": "check --diff"}
"""What the command line calls a verb, if it calls it otherwise."""


def run_worker() -> None:
    settings = wiring.environment()
    logs.configure(settings.log_format, settings.log_level)
    watch_threads()
    wiring.cluster(settings)  # without access to a cluster it fails now, not at the first push
    client = connect(settings.redis_url.reveal().decode(), timeout=DEQUEUE_SECONDS, text=False)
    wiring.serve_metrics(settings, tasks.metrics().registry)
    heartbeats = Heartbeats(Processes(wiring.store(settings)), ProcessKind.WORKER)
    Listener(client, settings.queue, _beat(settings, heartbeats)).run()
    heartbeats.end()


def run_watcher() -> None:
    settings = wiring.environment()
    logs.configure(settings.log_format, settings.log_level)
    watch_threads()
    reloader = Reloader(settings.config, os.environ)
    own = Processes(wiring.store(settings))
    heartbeats = Heartbeats(own, ProcessKind.WATCHER, reloader.loaded)
    metrics = WatcherMetrics(Registry("watcher"))
    watcher = wiring.watcher(settings, reloader, metrics, _beat(settings, heartbeats))
    wiring.serve_metrics(settings, metrics.registry)
    election = Election(watcher)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: election.stop())
    election.run()
    heartbeats.end()


def _beat(settings: Environment, heartbeats: Heartbeats) -> Beat:
    file = HeartbeatFile(settings.heartbeat_file)

    def beat(state: str) -> None:
        file.beat()
        heartbeats.beat(state)

    return beat


def sweep(*, dry_run: bool) -> None:
    """Prints each repair that is needed, one per line, and makes the repairs unless `dry_run`."""
    settings = wiring.environment()
    logs.configure(settings.log_format, settings.log_level)
    configured = Reloader(settings.config, os.environ).current
    store = wiring.store(settings)
    selector = labels.selector(settings.instance)
    sweep = Sweep(store, wiring.wake_ups(settings), wiring.cluster(settings), selector)
    used = {target.namespace for target in configured.targets.values()}
    used |= {observed.namespace for _, observed in Observations(store).known_jobs()}
    found = sweep.find_repairs(configured.cluster.followed(used))
    for repair in found:
        print(f"{repair.target or '-'}  {repair.kind}  {repair.what}")
    if not dry_run:
        sweep.repair(found)
    print(f"{len(found)} found" + (", nothing was done" if dry_run and found else ""))


def diff(path: str, *, as_json: bool) -> None:
    """Prints what the watcher would do with the configuration in `path`, or else in the environment's.

    Secrets are not read: none is published, and `check` has its own way to check them.
    """
    settings = wiring.environment()
    configured = read_without_secrets(Path(path) if path else settings.config)
    found = diffing.preview(wiring.store(settings), configured, settings.instance)
    if as_json:
        print(json.dumps(diffing.as_data(found), indent=2))
    else:
        print("\n".join(diffing.lines(found)))


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case ["worker"]:
                run_worker()
            case ["watcher"]:
                run_watcher()
            case ["sweep", *options]:
                sweep(dry_run="--dry-run" in options)
            case ["diff", as_, path]:
                diff(path, as_json=as_ == "json")
            case _:
                raise UsageError("one of worker, watcher, sweep, diff")
    except DispatcherError as error:
        print(f"git-dispatcher {NAMES.get(arguments[0], arguments[0])}: {error}", file=sys.stderr)
        return 4 if isinstance(error, (LedgerUnavailable, ClusterUnavailable)) else 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
