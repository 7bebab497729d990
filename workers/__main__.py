"""`python -m workers worker` and `python -m workers watcher`: what the command line starts."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys

from rq import SimpleWorker
from rq.serializers import JSONSerializer

from dispatcher import logs
from dispatcher.errors import DispatcherError
from dispatcher.ledger import connect
from dispatcher.reloading import Reloader
from workers import parts
from workers.watcher import Watcher

DEQUEUE_SECONDS = 415
"""Longer than RQ's own wait for a task (`worker_ttl` less 15 s), so that it does not look like a dead Redis."""


def worker() -> None:
    """An RQ worker that runs tasks in its own process: they are short and never wait for a Job."""
    settings = parts.environment()
    logs.configure(settings.log_format, settings.log_level)
    parts.cluster(settings)  # no access is said now, not at the first push
    client = connect(settings.redis_url.reveal().decode(), timeout=DEQUEUE_SECONDS, text=False)
    rq = SimpleWorker([settings.queue], name=_name(), connection=client, serializer=JSONSerializer)
    rq.work(logging_level="WARNING")  # RQ tells every task's comings and goings; we tell deploys


def _name() -> str:
    """For `rq info`. Not only host and process id: a restarted container has both again, and RQ
    refuses the name of a worker that was killed until it has timed out."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"


def watcher() -> None:
    settings = parts.environment()
    logs.configure(settings.log_format, settings.log_level)
    running = Watcher(
        parts.ledger(settings),
        parts.wake_ups(settings),
        parts.cluster(settings),
        Reloader(settings.config, os.environ),
        settings.instance,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: running.stop())
    running.run()


def main(arguments: list[str]) -> int:
    try:
        {"worker": worker, "watcher": watcher}[arguments[0]]()
    except DispatcherError as error:
        print(f"git-dispatcher {arguments[0]}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
