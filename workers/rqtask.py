"""RQ's task, restricted to `workers.tasks.reconcile` of one target.

RQ imports and calls whatever a task in Redis names: its function, three callbacks, a method of an instance; and
it sends requests to the URLs of its webhooks. This class imports nothing by a name from Redis. It refuses a
task with more than a wake-up has: the task fails before anything of it is looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rq.exceptions import NoSuchJobError
from rq.job import Job

from dispatcher.domain.errors import DispatcherError
from dispatcher.ledger.wakeups import TASK
from workers.tasks import reconcile

FIELDS = {
    *("data", "origin", "description", "status", "timeout", "ttl", "result_ttl", "failure_ttl"),
    *("created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat", "worker_name"),
}
"""The fields of a wake-up's hash. What RQ would run, call or repeat is in other fields."""
HARMLESS = {
    *("enqueue_at_front", "exc_info"),
    *(f"{when}_callback_timeout" for when in ("success", "failure", "stopped")),
}
"""Fields that RQ itself adds to a wake-up, on `rq requeue` for example; they are not read."""


class TaskRefused(DispatcherError):
    """The queue had a task that is no wake-up; nothing of it was run."""


class RqTask(Job):
    """A task as Redis holds it."""

    extra = ""
    """A field of its hash that no wake-up has, "" if there is none."""

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Reads the fields of a wake-up, and no others."""
        given = {_name(name): value for name, value in raw_data.items()}
        self.extra = next((n for n in sorted(given) if given[n] and _is_foreign(n)), "")
        wanted = {name.encode(): value for name, value in given.items() if name in FIELDS}
        try:
            super().restore(wanted)
        except NoSuchJobError:
            raise
        except Exception as error:  # noqa: BLE001  # anybody may have written the values
            self.extra = f"a field that cannot be read ({type(error).__name__})"
            super().restore({b"data": b"", b"origin": wanted.get(b"origin", b"")})

    @property
    def func(self) -> Callable[[str], None]:
        """What RQ calls with the task's arguments.

        Raises TaskRefused, and RQ's own DeserializationError for data that is no JSON.
        """
        if self.extra:
            raise TaskRefused(f"it has {self.extra}, which no wake-up has")
        if why := _unlike_a_wake_up(self.func_name, self.instance, self.args, self.kwargs):
            raise TaskRefused(why)
        return reconcile


def _unlike_a_wake_up(function: Any, instance: Any, arguments: Any, named: Any) -> str:
    if function != TASK or instance is not None:
        return f"it asks for {str(function)[:100]!r}, and only {TASK} is run"
    if named or not isinstance(arguments, list) or list(map(type, arguments)) != [str]:
        return "a wake-up has one argument, the name of a target"
    return ""


def _is_foreign(field: str) -> bool:
    return field not in FIELDS and field not in HARMLESS


def _name(field: bytes) -> str:
    return field.decode(errors="replace")
