"""The couriers of a watcher that leads: each receiver has its own, and none holds up another."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest
import redis
import yaml

from dispatcher.config.reloading import Reloader
from dispatcher.domain.errors import LeadershipLost
from dispatcher.domain.event import Event, EventKind
from dispatcher.ledger import Keys, Leadership, Notifications, Store, connect
from dispatcher.ledger.events import entry
from tests.waiting import eventually
from tests.workers.notify.helpers import KEY
from tests.workers.notify.receiver import HttpReceiver, Reply
from workers.notify.notifier import Notifier

ROOT = Path(__file__).parents[3]


def configuration(file: Path, **urls: str) -> Path:
    webhooks = {name: {"url": url, "secrets": [{"env": "KEY"}]} for name, url in urls.items()}
    file.write_text(yaml.safe_dump({"version": 1, "notifications": {"webhooks": webhooks}}))
    return file


def happens(store: Store, target: str = "shop") -> None:
    store.write(entry(store, target, Event(kind=EventKind.PAUSED, at=store.now())))


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


class Watching:
    """What a leading watcher has."""

    def __init__(self, redis_url: str, keys: Keys, store: Store, file: Path) -> None:
        self.store, self.leadership = store, Leadership(store, "first")
        assert self.leadership.acquire()
        self.reloader = Reloader(file, {"KEY": KEY.decode()})

        def open_store() -> Store:
            return Store(connect(redis_url, timeout=10), keys)

        self.notifier = Notifier(open_store, self.leadership, self.reloader, "i")


@pytest.fixture
def watching(
    redis_url: str, keys: Keys, store: Store, tmp_path: Path
) -> Iterator[Callable[..., Watching]]:
    made: list[Watching] = []

    def make(**urls: str) -> Watching:
        made.append(Watching(redis_url, keys, store, configuration(tmp_path / "c.yaml", **urls)))
        made[-1].notifier.follow_configuration()
        assert eventually(lambda: Notifications(store).states().keys() == urls.keys())
        return made[-1]

    yield make
    for each in made:
        each.notifier.stop()


def test_a_receiver_that_hangs_holds_up_no_other(
    store: Store, watching: Callable[..., Watching]
) -> None:
    release = threading.Event()
    with HttpReceiver(Reply(before=release.wait)) as slow, HttpReceiver() as quick:
        watching(slow=slow.url, quick=quick.url)
        happens(store)
        assert eventually(lambda: slow.received)
        happens(store)

        assert eventually(lambda: len(quick.received) == 2)
        assert len(slow.received) == 1
        release.set()
        assert eventually(lambda: len(slow.received) == 2)


def test_a_changed_configuration_counts_at_once(
    store: Store, watching: Callable[..., Watching], tmp_path: Path
) -> None:
    with HttpReceiver() as one, HttpReceiver() as two:
        each = watching(ops=one.url, old=one.url)
        configuration(tmp_path / "c.yaml", ops=two.url)
        assert eventually(each.reloader.changed)
        each.notifier.follow_configuration()
        happens(store)

        assert eventually(lambda: two.received)
        assert one.received == []
        assert Notifications(store).states().keys() == {"ops"}


def test_a_watcher_that_leads_no_more_stores_nothing(
    store: Store, watching: Callable[..., Watching]
) -> None:
    def another_leads() -> None:
        store.client.set(store.keys.leader, "second")

    with HttpReceiver(Reply(before=another_leads)) as receiver:
        each = watching(fenced=receiver.url)
        before = Notifications(store).states()
        happens(store)

        assert eventually(lambda: receiver.received)
        assert eventually(lambda: "courier-fenced" not in threads())
        assert Notifications(store).states() == before
        with pytest.raises(LeadershipLost):
            each.leadership.renew()


def test_couriers_do_not_keep_a_watcher_in_office_that_hangs(
    store: Store, watching: Callable[..., Watching], client: redis.Redis
) -> None:
    with HttpReceiver() as receiver:
        watching(ops=receiver.url)
        client.pexpire(store.keys.leader, 3_000)
        happens(store)

        assert eventually(lambda: Notifications(store).states()["ops"].sent)
        assert int(client.pttl(store.keys.leader)) <= 3_000


SCRIPT = """
    import sys, threading
    from pathlib import Path
    from dispatcher.config.reloading import Reloader
    from dispatcher.ledger import Keys, Leadership, Store, connect
    from workers.notify.notifier import Notifier

    url, instance, file, key = sys.argv[1:]
    open_store = lambda: Store(connect(url, timeout=10), Keys(instance))
    leadership = Leadership(open_store(), "killed")
    leadership.acquire()
    Notifier(open_store, leadership, Reloader(Path(file), {"KEY": key}), "i").follow_configuration()
    threading.Event().wait()
"""


def test_a_watcher_that_is_killed_before_it_stores_that_it_sent_loses_nothing(
    redis_url: str, keys: Keys, store: Store, watching: Callable[..., Watching], tmp_path: Path
) -> None:
    killed = threading.Event()
    with HttpReceiver(Reply(before=killed.wait)) as receiver:
        file = configuration(tmp_path / "killed.yaml", ops=receiver.url)
        arguments = [redis_url, keys.prefix.split(":")[1], str(file), KEY.decode()]
        process = subprocess.Popen([sys.executable, "-c", dedent(SCRIPT), *arguments], cwd=ROOT)
        assert eventually(lambda: Notifications(store).states())
        happens(store)
        assert eventually(lambda: receiver.received)
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed.set()
        happens(store, "docs")
        store.client.delete(store.keys.leader)  # it expires

        watching(ops=receiver.url)
        assert eventually(lambda: len(receiver.received) == 3)

    first, again, other = receiver.received
    assert (again.id, again.body) == (first.id, first.body)
    assert other.json["subject"] == "docs"
