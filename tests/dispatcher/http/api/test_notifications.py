"""`/api/v1/notifications`: receivers, tests and dead letters."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.domain.notification import DeadLetter, Message, ReceiverState
from dispatcher.ledger import Notifications, Store
from tests.dispatcher.http.web import Web, error
from tests.workers.notify.helpers import KEY

NOTIFICATIONS = """
notifications:
  webhooks:
    bus: {url: "https://events.example.com/a-token", secrets: [{env: KEY}], targets: ["shop*"]}
  chat:
    team: {url: {env: CHAT}}
targets:
"""


@pytest.fixture
def web(tmp_path: Any, redis_url: str, keys: Any) -> Any:
    web = Web(tmp_path, redis_url, keys)
    web.environ |= {"KEY": KEY.decode(), "CHAT": "slack://a-token"}
    web.config.write_text(web.config.read_text().replace("targets:\n", NOTIFICATIONS.lstrip(), 1))
    with web:
        yield web
    web.clean_up()


def dead_letter(store: Store, receiver: str = "bus", id: str = "1-0") -> None:
    message = Message(id=id, name="failed", target="shop", number=42, at=1, text="the body")
    letter = DeadLetter(receiver=receiver, at=2, reason="answered 410", attempts=1, message=message)
    Notifications(store).save(receiver, ReceiverState(cursor="0-0"), given_up=letter)


def test_receivers_are_listed_with_how_far_each_is_and_without_secrets(
    web: Web, store: Store
) -> None:
    at = 1_763_854_392_511
    state = ReceiverState(cursor="5-0", sent=7, sent_at=at, failed_at=at, error="answered 503")
    Notifications(store).save("bus", state)

    answer = web.api("notifications")
    bus, team = answer.json()["receivers"]

    assert (bus["name"], bus["kind"], bus["url"]) == (
        "bus",
        "webhook",
        "https://events.example.com",
    )
    assert (bus["sent"], bus["error"], bus["targets"]) == (7, "answered 503", ["shop*"])
    assert bus["sent_at"] == bus["failed_at"] == "2025-11-22T23:33:12.511Z"
    assert bus["behind_since"] is None
    assert (team["kind"], team["url"], team["sent"]) == ("chat", "slack://…", 0)
    assert "a-token" not in answer.text


def test_a_receiver_that_has_not_been_sent_everything_is_behind(web: Web, store: Store) -> None:
    Notifications(store).save("bus", ReceiverState(cursor="0-1"))
    web.api("pause", "POST")
    paused = store.client.xrevrange(store.keys.events, count=1)[0][0]  # type: ignore[index]

    since = web.api("notifications").json()["receivers"][0]["behind_since"]

    assert since is not None
    assert Notifications(store).waits_since("0-1") == int(str(paused).split("-")[0])


def test_a_test_waits_for_the_watcher_in_the_form_of_its_receiver(web: Web, store: Store) -> None:
    for name in ("bus", "team"):
        answer = web.api(f"notifications/{name}/test", "POST", json={"by": "ann"})
        assert answer.status_code == 202
        (wanted,) = Notifications(store).wait(name, "", 10, 0).requests
        message = wanted.message
        assert wanted.id == answer.json()["request"]
        assert message.id == answer.json()["message"]
        assert "ann" in message.text
        assert ("specversion" in message.text) == (name == "bus")

    assert error(web.api("notifications/bas/test", "POST")) == (404, "unknown_receiver")
    orders = [(each["verb"], each["subject"]) for each in web.api("audit").json()["orders"]]
    assert orders == [("test-receiver", "bas"), ("test-receiver", "team"), ("test-receiver", "bus")]


def test_dead_letters_are_listed_page_by_page(web: Web, store: Store) -> None:
    for number in range(5):
        dead_letter(store, id=f"{number}-0")

    first = web.api("notifications/dead-letters?limit=3").json()
    second = web.api(f"notifications/dead-letters?limit=3&cursor={first['next']}").json()

    found = first["dead_letters"] + second["dead_letters"]
    assert [each["message"] for each in found] == ["4-0", "3-0", "2-0", "1-0", "0-0"]
    assert (found[0]["subject"], found[0]["event"]) == ("shop/42", "failed")
    assert found[0]["reason"] == "answered 410"
    assert second["next"] == ""
    assert error(web.api("notifications/dead-letters?cursor=x")) == (400, "invalid_cursor")


def test_a_dead_letter_is_sent_again_once(web: Web, store: Store) -> None:
    dead_letter(store)
    (letter,) = web.api("notifications/dead-letters").json()["dead_letters"]

    answer = web.api(f"notifications/dead-letters/{letter['id']}/resend", "POST")

    (wanted,) = Notifications(store).wait("bus", "", 10, 0).requests
    assert answer.json() == {"receiver": "bus", "message": "1-0", "request": wanted.id}
    assert wanted.message.text == "the body"
    again = web.api(f"notifications/dead-letters/{letter['id']}/resend", "POST")
    assert error(again) == (404, "unknown_dead_letter")
    outcomes = [each["outcome"] for each in web.api("audit").json()["orders"]]
    assert outcomes == ["unknown_dead_letter", "requested shop/42 for bus"]


def test_a_dead_letter_of_a_receiver_that_is_gone_stays(web: Web, store: Store) -> None:
    dead_letter(store, "former")
    (letter,) = web.api("notifications/dead-letters").json()["dead_letters"]

    answer = web.api(f"notifications/dead-letters/{letter['id']}/resend", "POST")

    assert error(answer) == (409, "removed_receiver")
    assert web.api("notifications/dead-letters").json()["dead_letters"] == [letter]
