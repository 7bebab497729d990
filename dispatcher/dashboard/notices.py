"""What concerns the whole installation, shown on top of every page; and hooks that take no deliveries."""

from __future__ import annotations

from typing import NamedTuple

from dispatcher.dashboard.trouble import Kind, Trouble
from dispatcher.domain.access import Caller
from dispatcher.domain.process import configuration_health, workers_health
from dispatcher.http.live_config import LiveConfig
from dispatcher.ledger import Processes, SecretUsage, Store, WatcherHealth, read_pauses

OK = "ok"
QUIET_AFTER = 14 * 86_400_000
"""Milliseconds without a delivery after which a hook counts as quiet."""


class Notice(NamedTuple):
    what: str
    action: str


class Notices:
    """Raises LedgerUnavailable."""

    def __init__(self, live: LiveConfig, store: Store) -> None:
        self._live, self._store = live, store
        self._health, self._usage = WatcherHealth(store), SecretUsage(store)
        self._processes = Processes(store)

    def now(self, caller: Caller) -> list[Notice]:
        """Those that the caller may read: what cannot be followed names namespaces."""
        everything = not caller.targets
        return [
            *self._of_watcher(everything=everything),
            *(self._of_processes() if everything else ()),
            *self._of_pause(),
        ]

    def quiet_hooks(self) -> list[Trouble]:
        """Hooks with secrets whose last delivery was long ago, or that never had one."""
        now, last = self._store.now(), self._last()
        return [
            Trouble(
                kind=Kind.QUIET,
                subject=f"hook {name}",
                link="/hooks",
                what="no delivery for two weeks" if name in last else "no delivery ever",
                since=last.get(name, 0),
                action="Look at the host's list of deliveries, and check the URL and the secret there.",
            )
            for name, hook in self._live.now.hooks.items()
            if hook.secrets and now - last.get(name, 0) > QUIET_AFTER
        ]

    def _last(self) -> dict[str, int]:
        """Hook -> when it took its last delivery."""
        last: dict[str, int] = {}
        for (hook, _), at in self._usage.used().items():
            last[hook] = max(at, last.get(hook, 0))
        return last

    def _of_watcher(self, *, everything: bool) -> list[Notice]:
        if not self._health.has_leader():
            text = "No watcher leads: nothing starts, and what ends is not seen."
            return [Notice(text, "Start a watcher, or read the log of the one that should lead.")]
        return [
            Notice(
                f"The watcher cannot follow {each.kind} in {each.namespace or 'any namespace'}: {each.why}",
                "Check the API server, and the watcher's rights.",
            )
            for each in (self._health.problems() if everything else ())
        ]

    def _of_processes(self) -> list[Notice]:
        roll = self._processes.roll()
        found = [
            (workers_health(roll), "Look at the workers on the system page, and at their logs."),
            (configuration_health(roll), "Look at the processes on the system page."),
        ]
        return [Notice(f"{what[:1].upper()}{what[1:]}.", act) for what, act in found if what != OK]

    def _of_pause(self) -> list[Notice]:
        everything = read_pauses(self._store, []).everything
        if everything is None:
            return []
        return [
            Notice(f"Everything is {everything}: nothing starts.", "Resume it on the system page.")
        ]
