"""`/api/v1/deliveries`: what came, what became of it, and once more."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import redis
from structlog.testing import capture_logs

from dispatcher.domain.deploy import State
from dispatcher.http.api.deliveries import AT_ONCE, MOST_BYTES
from dispatcher.ledger import Keys, connect
from dispatcher.local.ports import free_port
from tests.dispatcher.http.helpers import end
from tests.dispatcher.http.web import Web, error
from tests.dispatcher.webhooks.support import MIDDLE, NEW, OLD, SECRET, UUID, Sent, sent
from tests.waiting import eventually

PUSH = "github/push__branch"
PRIVATE = "a word that only the body has"


def plain(before: str, after: str, delivery: str, **fields: object) -> Sent:
    """A delivery to the hook `plain`; its target is `bare`."""
    refs = [{"ref": "refs/heads/main", "before": before, "after": after}]
    body = sent("generic/push__branch").with_fields(**({"refs": refs} | fields))
    return body.but(headers={"X-Delivery-Id": delivery})


def newest(web: Web) -> dict[str, object]:
    (first, *_) = web.api("deliveries").json()["deliveries"]
    assert isinstance(first, dict)
    return first


def replay(web: Web, name: str, **order: str) -> tuple[int, dict[str, object]]:
    response = web.api(f"deliveries/{name}/replay", "POST", json=order)
    told = response.json()
    assert isinstance(told, dict)
    return response.status_code, told


def change_hooks(web: Web, old: str, new: str) -> None:
    before = web.api("hooks").json()
    web.config.write_text(web.config.read_text().replace(old, new, 1))
    assert eventually(lambda: web.api("hooks").json() != before)


def outcomes(told: dict[str, object]) -> dict[str, str]:
    results = told["results"]
    assert isinstance(results, list)
    return {each["target"]: each["outcome"] for each in results}


def test_a_delivery_is_kept_with_what_every_target_made_of_it(web: Web) -> None:
    answered = web.deliver(sent(PUSH)).json()

    kept = newest(web)

    assert (kept["delivery"], kept["hook"], kept["provider"]) == (UUID, "github", "github")
    assert (kept["event"], kept["repository"]) == ("push", "github.com/acme/shop")
    assert kept["refs"] == [{"ref": "refs/heads/main", "before": OLD, "after": NEW}]
    assert kept["secret"] == "env HOOK_SECRET"
    assert (kept["replay_of"], kept["reason"], kept["rejected"]) == (None, "", "")
    results = kept["results"]
    assert isinstance(results, list)
    told = [{**each, "deploy": each.get("deploy")} for each in answered["results"]]
    assert results == [{"reason": "", **each} for each in told]


def test_one_delivery_says_why_each_target_did_or_did_not_run(
    web: Web, client: redis.Redis
) -> None:
    web.deliver(sent(PUSH))
    end(web, client, State.FAILED)

    told = web.api(f"deliveries/{newest(web)['id']}").json()

    assert told["states"] == {"shop/1": "failed"}
    assert (told["replayable"], told["body_bytes"]) == (True, len(sent(PUSH).body))
    why = {each["target"]: (each["wanted"], each["reason"]) for each in told["explanations"]}
    assert why["shop"] == (True, "branch main")
    assert why["shop-docs"][0] is False
    assert "docs/**" in why["shop-docs"][1]
    assert {name.lower() for name in told["headers"]} == {
        "content-type",
        "x-github-event",
        "x-github-delivery",
    }


def test_it_is_found_by_the_host_s_own_id(web: Web) -> None:
    web.deliver(sent(PUSH))
    web.deliver(plain(OLD, NEW, "event/subscription"), "plain")

    assert web.api(f"deliveries/{UUID}").json()["hook"] == "github"
    assert web.api("deliveries/event%2Fsubscription").json()["hook"] == "plain"


def test_what_is_ignored_is_kept_too(web: Web) -> None:
    web.deliver(sent("github/ping__webhook"))

    assert eventually(lambda: web.api("deliveries").json()["deliveries"])
    assert (newest(web)["event"], newest(web)["results"]) == ("ping", [])
    assert "the hook works" in str(newest(web)["reason"])


def test_an_authenticated_delivery_that_cannot_be_read_is_logged_too(web: Web) -> None:
    broken = sent("generic/push__branch").but(body=b'{"refs": [')

    assert error(web.deliver(broken, "plain")) == (400, "invalid_json")

    assert eventually(lambda: web.api("deliveries").json()["deliveries"])
    assert (newest(web)["rejected"], newest(web)["secret"]) == ("invalid_json", "env HOOK_SECRET")


def test_of_one_that_was_too_large_no_body_is_kept(web: Web) -> None:
    assert web.deliver(plain(OLD, NEW, "1", padding="x" * 5000), "plain").status_code == 413

    assert eventually(lambda: web.api("deliveries").json()["deliveries"])
    told = web.api(f"deliveries/{newest(web)['id']}").json()
    assert (told["rejected"], told["replayable"]) == ("body_too_large", False)
    assert error(web.api(f"deliveries/{told['id']}/replay", "POST")) == (409, "not_replayable")


def test_an_unauthenticated_request_is_not_logged(web: Web, client: redis.Redis) -> None:
    web.deliver(sent(PUSH).but(headers={"X-Hub-Signature-256": "sha256=" + "0" * 64}))
    web.deliver(sent(PUSH), "nobodys")
    web.deliver(sent("github/ping__webhook"))

    assert eventually(lambda: web.api("deliveries").json()["deliveries"])
    assert [each["event"] for each in web.api("deliveries").json()["deliveries"]] == ["ping"]


def test_as_many_as_asked_for_newest_first(web: Web) -> None:
    for number in range(3):
        web.deliver(plain("", f"{number + 1:040x}", f"d{number}"), "plain")

    listed = web.api("deliveries?limit=2").json()["deliveries"]

    assert [each["delivery"] for each in listed] == ["d2", "d1"]
    for limit in ("0", "1001", "x"):
        assert error(web.api(f"deliveries?limit={limit}")) == (400, "invalid_limit")


def test_a_delivery_that_is_not_there(web: Web) -> None:
    assert error(web.api("deliveries/nothing")) == (404, "unknown_delivery")
    assert error(web.api("deliveries/nothing/replay", "POST")) == (404, "unknown_delivery")
    assert error(web.api("deliveries/" + "x" * 700)) == (404, "unknown_delivery")
    assert web.http.get("/api/v1/deliveries").status_code == 401


def test_a_replay_goes_through_the_configuration_of_now(web: Web) -> None:
    web.deliver(sent(PUSH))
    original = str(newest(web)["id"])
    web.configure('paths: ["docs/**"]', 'paths: ["**"]')

    status, told = replay(web, original, by="ann", reason="the filter was wrong")

    assert status == 202
    assert outcomes(told)["shop-docs"] == "accepted"
    assert outcomes(told)["shop"] == "coalesced"
    kept = newest(web)
    assert (kept["id"], kept["replay_of"]) == (told["id"], original)
    assert (kept["by"], kept["note"]) == ("ann", "the filter was wrong")
    assert (kept["delivery"], kept["secret"]) == (f"replay-{told['id']}", "")
    (deploy,) = web.api("targets/shop-docs/deploys").json()["deploys"]
    assert deploy["deliveries"] == [f"replay-{told['id']}"]
    assert (deploy["reason"], deploy["requested_by"]) == ("replay", "ann")
    assert deploy["note"] == "the filter was wrong"
    assert {job.args[0] for job in web.wake_ups()} == {"shop", "shop-docs"}


def test_a_replay_of_what_failed_runs_again(web: Web, client: redis.Redis) -> None:
    web.deliver(sent(PUSH))
    end(web, client, State.FAILED)

    status, told = replay(web, UUID)

    assert (status, outcomes(told)["shop"]) == (202, "accepted")


def test_a_replay_rolls_nothing_back(web: Web) -> None:
    web.deliver(plain(OLD, MIDDLE, "first"), "plain")
    web.deliver(plain(MIDDLE, NEW, "second"), "plain")

    status, told = replay(web, "first")

    assert (status, outcomes(told)) == (200, {"bare": "stale"})
    assert "a replay rolls nothing back" in str(told["results"])
    assert web.api("targets/bare/deploys/1").json()["commit"] == NEW


def test_a_replay_leaves_a_branch_where_an_operator_has_put_it(web: Web) -> None:
    web.deliver(plain(OLD, MIDDLE, "first"), "plain")
    order = {"commit": NEW, "ref": "main", "reason": "the delivery was lost"}
    said = web.api("targets/bare/redeploy", "POST", json=order).json()

    status, told = replay(web, "first")

    assert said["reason"].endswith("main is taken to be at that commit from now on")
    assert (status, outcomes(told)) == (200, {"bare": "stale"})


def test_a_replay_can_be_replayed_and_still_rolls_nothing_back(web: Web) -> None:
    web.deliver(plain(OLD, MIDDLE, "first"), "plain")
    _, once = replay(web, "first")
    web.deliver(plain(MIDDLE, NEW, "second"), "plain")

    status, twice = replay(web, str(once["id"]))

    assert (status, outcomes(twice), twice["replay_of"]) == (200, {"bare": "stale"}, once["id"])


def test_a_paused_target_holds_a_replay(web: Web, client: redis.Redis) -> None:
    web.deliver(sent(PUSH))
    end(web, client, State.FAILED)
    web.api("targets/shop/pause", "POST")

    assert outcomes(replay(web, UUID)[1])["shop"] == "held"


def test_a_replay_of_what_is_ignored(web: Web) -> None:
    web.deliver(sent("github/ping__webhook"))
    assert eventually(lambda: web.api("deliveries").json()["deliveries"])

    status, told = replay(web, str(newest(web)["id"]))

    assert (status, told["results"]) == (200, [])
    assert "the hook works" in str(told["reason"])


def test_a_hook_that_is_gone_speaks_for_nothing(web: Web) -> None:
    web.deliver(plain(OLD, NEW, "first"), "plain")
    change_hooks(web, "  plain:\n", "  plain-2:\n")

    assert error(web.api("deliveries/first/replay", "POST")) == (409, "removed_hook")
    told = web.api("deliveries/first").json()
    assert (told["replayable"], told["explanations"]) == (False, [])


def test_a_hook_replays_for_its_repositories_only(web: Web) -> None:
    web.deliver(sent(PUSH))
    change_hooks(web, '["github.com/acme/*"]', '["github.com/other/*"]')

    status, told = replay(web, UUID)

    assert (status, told["results"]) == (200, [])
    assert "may not speak for" in str(told["reason"])


def test_without_redis_it_says_when_to_come_again(tmp_path: Path, keys: Keys) -> None:
    with Web(tmp_path, f"redis://127.0.0.1:{free_port()}/0", keys) as web:
        answers = [
            web.api("deliveries"),
            web.api("deliveries/x"),
            web.api("deliveries/x/replay", "POST"),
            web.api("hooks"),
        ]

    assert {error(each) for each in answers} == {(503, "ledger_unavailable")}
    assert {each.headers["Retry-After"] for each in answers} == {"5"}


def test_a_redis_that_hangs_delays_no_answer_that_needs_none(tmp_path: Path, keys: Keys) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        port = hangs.getsockname()[1]
        with Web(tmp_path, f"redis://127.0.0.1:{port}/0", keys) as web:
            answers = [web.deliver(sent("github/ping__webhook")) for _ in range(3)]

    assert {each.status_code for each in answers} == {200}
    assert max(each.elapsed.total_seconds() for each in answers) < 1


def test_neither_body_nor_secret_is_shown_or_logged(web: Web, redis_url: str) -> None:
    with capture_logs() as logs:
        web.deliver(sent(PUSH).with_fields(private=PRIVATE))
        web.deliver(sent("gitlab/push_hook__branch").with_fields(private=PRIVATE), "gitlab")
        web.deliver(sent("generic/push__branch").but(body=PRIVATE.encode()), "plain")
        assert eventually(lambda: len(web.api("deliveries").json()["deliveries"]) == 3)
        answers = [web.api("deliveries"), web.api("hooks")]
        for each in web.api("deliveries").json()["deliveries"]:
            answers += [
                web.api(f"deliveries/{each['id']}"),
                web.api(f"deliveries/{each['id']}/replay", "POST"),
            ]
    said = json.dumps([each.json() for each in answers]) + str(logs)

    assert len(answers) == 8
    for secret in (PRIVATE, SECRET.decode(), "the one before", "sha256="):
        assert secret not in said
    with connect(redis_url, text=False) as client:
        names = [*client.scan_iter(match=web.keys.logged_delivery("*"))]
        stored = [client.hget(name, "entry") for name in names]
    assert len(stored) == 6
    assert SECRET.decode() not in str(stored)


def newest_delivered(web: Web) -> str:
    """A delivery that no target takes is recorded after its response."""
    listed = web.api("deliveries?limit=1").json()["deliveries"]
    return str(listed[0]["delivery"]) if listed else ""


def test_an_answer_has_a_size_whatever_came(web: Web) -> None:
    narrow = '"file/srv/git/*"]\n    max_body: 4KiB'
    change_hooks(web, narrow, '"file/srv/git/*", "a.example/*"]\n    max_body: 1MiB')
    long = "refs/heads/" + "x" * 180
    for number in range(16):
        refs = [{"ref": f"{long}{n}", "before": OLD, "after": NEW} for n in range(600)]
        wide = plain("", "", f"d{number}", refs=refs, repository="https://git.example.com/a/none")
        assert web.deliver(wide, "plain").status_code == 200
    assert eventually(lambda: newest_delivered(web) == "d15")

    cut = web.api("deliveries?limit=1000")
    whole = web.api("deliveries?limit=3")

    assert MOST_BYTES / 2 < len(cut.content) < MOST_BYTES * 1.1
    assert cut.json()["cut"] is True
    names = [each["delivery"] for each in cut.json()["deliveries"]]
    assert names == [f"d{15 - number}" for number in range(len(names))]
    assert 3 < len(names) < 16
    assert (whole.json()["cut"], len(whole.json()["deliveries"])) == (False, 3)


def test_more_than_are_read_at_once_come_in_their_order(web: Web) -> None:
    for number in range(AT_ONCE + 5):
        web.deliver(plain("", f"{number + 1:040x}", f"d{number}"), "plain")
    assert eventually(lambda: newest_delivered(web) == f"d{AT_ONCE + 4}")

    for limit in (AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, AT_ONCE + 5, 1000):
        listed = web.api(f"deliveries?limit={limit}").json()["deliveries"]
        names = [each["delivery"] for each in listed]
        assert names == [f"d{AT_ONCE + 4 - n}" for n in range(min(limit, AT_ONCE + 5))]
