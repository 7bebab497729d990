"""`POST /webhooks/{hook}`, as a Git host sees it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from dispatcher.ledger import Keys
from dispatcher.local.ports import free_port
from tests.dispatcher.http.web import Web, error, results
from tests.dispatcher.webhooks.support import NEW, OLD, SECRET, Sent, hmac_of, sent

PUSH = "github/push__branch"


def plain(**fields: object) -> Sent:
    """A delivery to the hook `plain`; its target is `bare`."""
    return sent("generic/push__branch").with_fields(**fields)


def test_a_push_is_accepted_and_its_target_woken(web: Web) -> None:
    response = web.deliver(sent(PUSH))

    assert response.status_code == 202
    body = response.json()
    assert body["delivery"] == "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    assert body["results"][0] == {
        "target": "shop",
        "ref": "refs/heads/main",
        "commit": NEW,
        "outcome": "accepted",
        "deploy": "shop/1",
        "reason": "a new commit",
    }


def test_every_target_of_the_repository_says_what_it_makes_of_it(web: Web) -> None:
    response = web.deliver(sent(PUSH))

    outcomes = {"shop": "accepted", "shop-docs": "filtered", "shop-releases": "filtered"}
    assert results(response) == outcomes
    assert list(results(response)) == list(outcomes)
    reasons = {each["target"]: each["reason"] for each in response.json()["results"]}
    assert reasons["shop-docs"] == "no changed file matches docs/**"
    assert "follows no branches" in reasons["shop-releases"]


@pytest.mark.parametrize(
    ("name", "files", "said"),
    [
        (
            "gitlab/push_hook__branch",
            ["archive/a.py"],
            "archive/a.py is new, or renamed from a file",
        ),
        ("gitlab/push_hook__branch", [], "the changed files are unknown"),
    ],
)
def test_the_answer_and_the_delivery_log_say_why_a_path_filter_let_a_push_through(
    web: Web, name: str, files: list[str], said: str
) -> None:
    lab = "  lab:\n    repository: https://gitlab.com/acme/shop\n    branches: [main]\n"
    web.configure(lab, f'{lab}    paths: ["docs/**"]\n')
    commits = [{"id": NEW, "added": files, "modified": [], "removed": []}]
    push = sent(name).with_fields(commits=commits, total_commits_count=1)

    (answer,) = web.deliver(push, "gitlab").json()["results"]
    (again,) = web.deliver(push, "gitlab").json()["results"]
    _, first = web.api("deliveries").json()["deliveries"]

    assert answer["reason"].startswith(f"a new commit; {said}")
    assert answer["reason"].endswith("so the path filter does not apply")
    assert again["reason"] == f"this delivery came before; its answer was: {answer['reason']}"
    assert first["results"][0]["reason"] == answer["reason"]


def test_of_what_needs_no_deploy_nothing_is_said_that_is_not_known(web: Web) -> None:
    push = sent("github/push__new_branch").with_fields(ref="refs/heads/main")
    docs = {"target": "shop-docs", "outcome": "accepted"}

    first, other = (
        {each["target"]: each for each in web.deliver(push.but(headers=headers)).json()["results"]}
        for headers in ({}, {"X-GitHub-Delivery": "another"})
    )

    assert docs.items() <= first["shop-docs"].items()
    assert "unknown" in first["shop-docs"]["reason"]
    assert "unknown" not in first["shop"]["reason"]
    assert other["shop-docs"]["outcome"] == "duplicate"
    assert "unknown" not in other["shop-docs"]["reason"]


def test_a_path_filter_counts_only_where_no_push_before_is_missing(web: Web) -> None:
    first, second = (
        sent(PUSH)
        .but(headers={"X-GitHub-Delivery": str(n)})
        .with_fields(before=before, after=after)
        for n, (before, after) in enumerate([(OLD, "d4" * 20), ("e5" * 20, "f6" * 20)])
    )

    assert results(web.deliver(first))["shop-docs"] == "filtered"
    answers = web.deliver(second).json()["results"]

    (docs,) = (each for each in answers if each["target"] == "shop-docs")
    assert docs["outcome"] == "accepted"
    assert docs["reason"].startswith(
        "a push in between has not come: the files changed since d4d4d4d4 "
    )


def test_a_hosts_clock_that_is_ahead_is_reported_and_is_a_setting(web: Web) -> None:
    ahead = int(time.time() * 1000) + 120_000
    refs = [{"ref": "refs/heads/main", "before": OLD, "after": NEW, "pushed_at": ahead}]
    with capture_logs() as within:
        web.deliver(plain(refs=refs), "plain")
    more = "  more: {repository: https://git.example.com/acme/more, branches: [main], job: {image: deployer}}\n"
    text = "max_body: 4KiB\ntargets:\n"
    web.configure(text, f"clock_skew: 1m\n    {text}{more}")

    with capture_logs() as beyond:
        web.deliver(plain(refs=refs).but(headers={"X-Delivery-Id": "again"}), "plain")

    assert not ahead_of(within)
    assert ahead_of(beyond)[0]["hook"] == "plain"


def ahead_of(logs: Sequence[MutableMapping[str, Any]]) -> list[MutableMapping[str, Any]]:
    return [line for line in logs if line["event"].startswith("host's time is ahead")]


def test_the_queue_tells_what_is_to_be_done(web: Web) -> None:
    web.deliver(sent(PUSH))

    (wake_up,) = web.wake_ups()
    assert wake_up.func_name == "workers.tasks.reconcile"
    assert list(wake_up.args) == ["shop"]
    assert wake_up.description == f"reconcile shop: push {NEW[:8]} to main, deploy 1"


@pytest.mark.parametrize(
    ("name", "hook", "target"),
    [
        ("gitlab/push_hook__branch", "gitlab", "lab"),
        ("generic/push__branch", "plain", "bare"),
        ("github/push__tag", "github", "shop-releases"),
    ],
)
def test_every_provider_has_its_hook(web: Web, name: str, hook: str, target: str) -> None:
    response = web.deliver(sent(name), hook)

    assert response.status_code == 202
    assert results(response)[target] == "accepted"


def test_what_no_target_wants_is_filtered_and_wakes_nobody(web: Web) -> None:
    response = web.deliver(sent("github/push__new_branch"))

    assert response.status_code == 200
    assert set(results(response).values()) == {"filtered"}
    assert web.wake_ups() == []


def test_a_filtered_push_moves_the_branch_so_that_an_older_one_is_deployed_with_it(
    web: Web,
) -> None:
    body = plain(
        refs=[{"ref": "refs/heads/main", "before": OLD, "after": NEW, "title": "[skip ci]"}]
    )
    assert results(web.deliver(body.but(headers={"X-Delivery-Id": "1"}), "plain")) == {
        "bare": "filtered"
    }

    older = plain(refs=[{"ref": "refs/heads/main", "before": "e5" * 20, "after": OLD}])
    response = web.deliver(older.but(headers={"X-Delivery-Id": "2"}), "plain")

    assert results(response) == {"bare": "accepted"}
    assert f"the branch is at {NEW} by now" in response.json()["results"][0]["reason"]


def test_a_deleted_branch_deploys_nothing(web: Web) -> None:
    deletion = plain(refs=[{"ref": "refs/heads/main", "before": OLD, "after": "0" * 40}])

    response = web.deliver(deletion, "plain")

    assert (response.status_code, results(response)) == (200, {"bare": "filtered"})
    assert (
        response.json()["results"][0]["reason"]
        == "the branch or tag was deleted: nothing to deploy"
    )


def test_a_repeated_delivery_gets_the_first_answer_again(web: Web) -> None:
    web.deliver(sent(PUSH))

    response = web.deliver(sent(PUSH))

    result = response.json()["results"][0]
    assert (result["outcome"], result["deploy"]) == ("accepted", "shop/1")
    assert result["reason"].startswith("this delivery came before")
    assert len(web.wake_ups()) == 1


def test_a_delivery_without_an_id_is_given_one(web: Web) -> None:
    response = web.deliver(plain().but(headers={"X-Delivery-Id": None}), "plain")

    delivery = response.json()["delivery"]
    assert delivery.startswith("none-")
    assert web.api("targets/bare/deploys/1").json()["deliveries"] == [delivery]


def test_pushes_at_the_same_time_end_as_one_deploy(web: Web) -> None:
    def push(count: int) -> httpx.Response:
        ref = {"ref": "refs/heads/main", "before": "", "after": f"{count:040x}"}
        delivery = plain(refs=[ref]).but(headers={"X-Delivery-Id": str(count)})
        return web.deliver(delivery, "plain")

    with ThreadPoolExecutor(16) as pool:
        responses = list(pool.map(push, range(1, 65)))

    assert {response.status_code for response in responses} == {202}
    outcomes = [results(response)["bare"] for response in responses]
    assert (outcomes.count("accepted"), outcomes.count("coalesced")) == (1, 63)
    assert len(web.wake_ups()) == 1
    (deploy,) = web.api("targets/bare/deploys").json()["deploys"]
    assert deploy["merged"] == 63


def test_a_ping_is_answered_with_what_it_is(web: Web) -> None:
    response = web.deliver(sent("github/ping__webhook"))

    assert response.status_code == 200
    assert response.json()["results"] == []
    assert response.json()["reason"]


def test_a_repository_without_a_target(web: Web) -> None:
    response = web.deliver(plain(repository="https://git.example.com/acme/else"), "plain")

    assert (response.status_code, response.json()["results"]) == (200, [])
    assert response.json()["reason"] == "no target for repository git.example.com/acme/else"


def test_a_hook_speaks_only_for_its_repositories(web: Web) -> None:
    foreign = plain(repository="https://github.com/acme/shop")

    response = web.deliver(foreign, "plain")

    assert (response.status_code, response.json()["results"]) == (200, [])
    assert "may not speak for github.com/acme/shop" in response.json()["reason"]
    assert web.wake_ups() == []


def test_a_wrong_signature_and_an_unknown_hook_are_answered_alike(web: Web) -> None:
    forged = sent(PUSH).but(headers={"X-Hub-Signature-256": hmac_of(b"something else")})

    wrong, unknown, unsigned = (
        web.deliver(forged),
        web.deliver(sent(PUSH), "nobodys"),
        web.deliver(sent(PUSH).but(headers={"X-Hub-Signature-256": None})),
    )

    assert error(wrong) == (401, "unauthorized")
    for other in (unknown, unsigned):
        assert (other.status_code, other.content) == (401, wrong.content)
        assert {**other.headers, "date": ""} == {**wrong.headers, "date": ""}


def test_what_is_too_large_is_not_read(web: Web) -> None:
    response = web.deliver(plain(padding="x" * 5000), "plain")

    assert error(response) == (413, "body_too_large")


def test_what_is_too_large_without_saying_so(web: Web) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(5):
            yield b"x" * 1024

    response = web.http.post("/webhooks/plain", content=chunks())

    assert error(response) == (
        401,
        "unauthorized",
    )  # an unauthenticated sender isn't told what the hook takes


def test_a_large_body_is_read_as_well(web: Web) -> None:
    large = sent(PUSH).with_fields(padding="x" * 300_000)

    assert results(web.deliver(large))["shop"] == "accepted"


def test_refusals_say_what_to_do(web: Web) -> None:
    other_type = plain().but(content_type="text/plain")
    no_json = plain().but(body=b'{"refs": [')
    no_name = plain(refs=[{"ref": "refs/heads/main", "after": "main"}])

    assert error(web.deliver(other_type, "plain")) == (415, "unsupported_media_type")
    assert error(web.deliver(no_json, "plain")) == (400, "invalid_json")
    assert error(web.deliver(no_name, "plain")) == (400, "invalid_field")


def test_routing_answers_in_json_too(web: Web) -> None:
    assert error(web.http.get("/webhooks/github")) == (405, "method_not_allowed")
    assert error(web.http.get("/nowhere")) == (404, "not_found")
    assert error(web.http.post("/webhooks/github/")) == (404, "not_found")
    assert web.http.get("/webhooks/github").headers["Allow"] == "POST"


def test_every_answer_carries_the_standard_headers(web: Web) -> None:
    for response in (web.deliver(sent(PUSH)), web.http.get("/livez"), web.http.get("/nowhere")):
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        kind = "json" if response.is_success else "problem+json"
        assert response.headers["Content-Type"] == f"application/{kind}"


def test_without_redis_the_host_is_told_to_come_again(tmp_path: Path, keys: Keys) -> None:
    with Web(tmp_path, f"redis://127.0.0.1:{free_port()}/0", keys) as web:
        response = web.deliver(sent(PUSH))
        ignored = web.deliver(sent("github/ping__webhook"))
        ready = web.readiness()
        asked = web.api("targets")

    assert error(response) == (503, "ledger_unavailable")
    assert response.headers["Retry-After"] == "5"
    assert ignored.status_code == 200
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert ready.json()["ledger"].startswith("unavailable: ")
    assert error(asked) == (503, "ledger_unavailable")


def test_the_log_tells_of_a_delivery_and_of_no_secret(web: Web) -> None:
    with capture_logs() as logs:
        web.deliver(sent(PUSH))
        web.deliver(sent(PUSH), "no%0Abody")

    taken, refused = (each for each in logs if "delivery" in each["event"])
    assert (taken["hook"], taken["kind"], taken["repository"]) == (
        "github",
        "push",
        "github.com/acme/shop",
    )
    assert taken["results"] == [
        "shop: accepted shop/1",
        "shop-docs: filtered",
        "shop-releases: filtered",
    ]
    assert taken["secret"] == "env HOOK_SECRET"
    assert (refused["hook"], refused["cause"]) == ("no?body", "signature_mismatch")
    assert SECRET.decode() not in str(logs)


def test_what_was_taken_is_recorded_although_web_is_told_to_stop(
    tmp_path: Path, redis_url: str, keys: Keys
) -> None:
    with Web(tmp_path, redis_url, keys) as first:
        first.deliver(sent(PUSH))
    with Web(tmp_path, redis_url, keys) as second:
        assert second.api("targets/shop/deploys/1").json()["commit"] == NEW
    first.clean_up()


def test_a_redis_that_hangs_is_not_waited_for_longer_than_hosts_wait(
    tmp_path: Path, keys: Keys
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        port = hangs.getsockname()[1]
        with Web(tmp_path, f"redis://127.0.0.1:{port}/0", keys) as web:
            response = web.deliver(sent(PUSH))
            ready = web.readiness()

    assert error(response) == (503, "ledger_unavailable")
    assert response.elapsed.total_seconds() < 5
    assert ready.json()["ledger"].startswith("unavailable: ")
    assert ready.elapsed.total_seconds() < 1


def test_a_target_keeps_so_many_branches_open_and_lists_the_first(web: Web) -> None:
    web.configure(
        "acme/shop\n    branches: [main]\n    job: {image: deployer}\n  each",
        'acme/shop\n    branches: ["**"]\n    max_open_branches: 15\n    job: {image: deployer}\n  each',
    )
    refs = [{"ref": f"refs/heads/b{number}", "after": NEW} for number in range(20)]

    answer = web.deliver(plain(refs=refs), "plain")

    told = [each["outcome"] for each in answer.json()["results"]]
    assert (answer.status_code, told) == (202, ["accepted"] * 15 + ["rejected"] * 5)
    assert "max_open_branches" in answer.json()["results"][-1]["reason"]
    bare = web.api("targets/bare").json()
    assert [each["deploy"] for each in bare["waiting"]] == [f"bare/{n}" for n in range(1, 11)]
    assert bare["waiting_count"] == 15
    only = web.deliver(plain(refs=[{"ref": "refs/heads/b17", "after": NEW}]), "plain")
    assert (only.status_code, only.json()["results"][0]["outcome"]) == (200, "rejected")
