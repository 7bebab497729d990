"""What the pages show, and that each has its JSON and its command."""

from __future__ import annotations

import re
import shlex
from html import unescape

import pytest
import typer

from dispatcher import cli
from dispatcher.dashboard.advice import ADVICE
from dispatcher.dashboard.figures import HEIGHT, spark
from dispatcher.dashboard.orders import undone
from dispatcher.dashboard.pages.overview import PER_PAGE
from dispatcher.dashboard.pages.targets import last_good, lines
from dispatcher.dashboard.phases import parts, usual
from dispatcher.dashboard.trouble import Kind
from dispatcher.domain.access import Role
from dispatcher.domain.cause import CauseKind
from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.event import Event, EventKind
from dispatcher.domain.spec import Policies, Spec
from dispatcher.ledger import Publisher, RecentDeploy, Store
from tests.dispatcher.dashboard.conftest import Shown
from tests.dispatcher.dashboard.scene import Scene
from tests.dispatcher.dashboard.test_access import People, Person, people, token
from tests.dispatcher.http.web import TOKEN, Web
from tests.dispatcher.ledger.helpers import sha
from tests.dispatcher.webhooks.support import sent

__all__ = ["people"]

MAIN = "refs/heads/main"


@pytest.fixture
def ann(shown: Shown, people: People) -> Person:
    ann = people(shown.web)
    ann.sign_in(TOKEN)
    return ann


def text(page: str) -> str:
    """What somebody reads."""
    main = page[page.index("<main") : page.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def test_trouble_comes_first_and_the_worst_of_it_on_top(ann: Person) -> None:
    page = ann.get("/").text

    assert re.findall(r'class="kind k-(\w+)"', page)[:4] == list(Kind)[:4]
    read = text(page)
    assert read.index("container main exited with 3") < read.index("Running now")
    assert read.index("Running now") < read.index("All targets")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("shop-re", {"shop-releases"}),
        ("gitlab.com", {"lab"}),
        ("v*", {"shop-releases"}),
        (sha("c")[:9], {"lab"}),
        ("nothing-like-it", set()),
    ],
)
def test_a_search_finds_by_target_repository_ref_and_commit(
    ann: Person, query: str, found: set[str]
) -> None:
    page = ann.get("/", params={"q": query}).text

    assert set(re.findall(r'<tr id="target-([\w-]+)"', page)) == found


@pytest.mark.parametrize("query", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_a_search_is_shown_as_text(ann: Person, query: str) -> None:
    page = ann.get("/", params={"q": query}).text

    assert query not in page
    assert query in unescape(page)


PAGES = (
    "/",
    "/targets/shop",
    "/targets/shop/deploys/2",
    "/queue",
    "/deliveries",
    "/hooks",
    "/system",
    "/audit",
    f"/commits/{sha('b')}?repository=https://github.com/acme/shop",
    f"/commits/{sha('b')[:8]}",
)


@pytest.mark.parametrize("path", PAGES)
def test_each_page_names_its_json_and_its_command(ann: Person, path: str) -> None:
    page = ann.get(path).text

    (json,) = re.findall(r'<a href="([^"]+)">This page as JSON', page)
    (command,) = re.findall(r"On the command line: <code>([^<]+)", page)
    answer = ann.get(unescape(json))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    program, verb, *_ = shlex.split(command)
    commands = typer.main.get_command(cli.build()).commands  # type: ignore[attr-defined]
    assert program == "git-dispatcher"
    assert verb in commands


def test_a_delivery_is_compared_then_and_now(web: Web, store: Store, people: People) -> None:
    web.deliver(sent("github/push__branch"))
    (delivery,) = web.api("deliveries").json()["deliveries"]
    web.configure('paths: ["docs/**"]', 'paths: ["**"]')
    ann = people(web)
    ann.sign_in(TOKEN)

    read = text(ann.get(f"/deliveries/{delivery['id']}").text)

    assert "shop-docs main filtered no changed file matches docs/** wanted" in read
    assert "shop main accepted shop/1 pending a new commit wanted" in read
    replayed = ann.order(f"/deliveries/{delivery['id']}/replay")
    assert "replay of" in text(ann.get(replayed.headers["location"]).text)


def test_who_may_only_read_sees_no_values_of_variables(
    web: Web, store: Store, people: People
) -> None:
    env = [{"name": "PASSWORD", "value": "hunter2"}]
    spec = Spec(
        target="shop",
        repository="https://github.com/acme/shop",
        namespace="default",
        policies=Policies(),
        manifest={"spec": {"containers": [{"name": "main", "env": env}]}},
        digest="d",
    )
    Publisher(store).publish([spec])
    Scene(store).push("shop", "a")
    reader, operator = people(web), people(web)
    reader.sign_in(token(store, Role.READ))
    operator.sign_in(TOKEN)

    assert "hunter2" not in reader.get("/targets/shop/deploys/1").text
    assert "PASSWORD" in reader.get("/targets/shop/deploys/1").text
    assert "hunter2" in operator.get("/targets/shop/deploys/1").text
    assert "on_new_push cancel" in text(reader.get("/targets/shop").text)


def test_no_watcher_is_said_on_every_page(web: Web, store: Store, people: People) -> None:
    ann = people(web)
    ann.sign_in(TOKEN)

    for path in ("/", "/queue", "/targets/shop/../../hooks", "/system"):
        assert "No watcher leads" in ann.get(path).text, path


def test_a_removed_targets_page_can_be_read_and_offers_no_order(
    web: Web, store: Store, people: People
) -> None:
    Scene(store).push("shop-docs", "a")
    web.remove("shop-docs")
    ann = people(web)
    ann.sign_in(TOKEN)

    page = ann.get("/targets/shop-docs")

    assert page.status_code == 200
    assert "not configured any more" in page.text
    assert 'class="button' not in page.text


def test_many_targets_come_in_pages(web: Web, store: Store, people: People) -> None:
    more = "".join(
        f"  t{n:03}:\n    repository: https://github.com/acme/t{n}\n    branches: [main]\n"
        "    job: {image: deployer}\n"
        for n in range(2 * PER_PAGE)
    )
    web.configure("targets:\n", f"targets:\n{more}")
    ann = people(web)
    ann.sign_in(TOKEN)

    first, last = ann.get("/").text, ann.get("/?page=3").text

    assert len(re.findall(r'<tr id="target-', first)) == PER_PAGE
    assert "page 1 of 3" in first
    assert "page 3 of 3" in last
    assert len(re.findall(r'<tr id="target-', last)) == 6
    assert "page 3 of 3" in ann.get("/?page=99999").text


def read_log(person: Person, path: str) -> str:
    """All that comes until the connection may be closed."""
    with person.http.stream("GET", path) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        return "".join(response.iter_text())


def test_a_log_is_streamed_as_text_with_colours(ann: Person) -> None:
    log = read_log(ann, "/targets/shop/deploys/2/log")

    assert '<span class="c1">ERROR</span> cannot reach the database' in log
    assert "&lt;script&gt;" in log
    assert "<script>" not in log
    assert "\x1b" not in log
    assert log.endswith("event: log-end\ndata: {}\n\n")


def test_where_there_is_no_log_the_page_says_why(ann: Person) -> None:
    log = read_log(ann, "/targets/shop/deploys/1/log")

    assert "no log of it was kept" in log
    assert log.endswith("event: log-end\ndata: {}\n\n")


# Pure parts


def deploy(number: int, state: State = State.SUCCEEDED, **facts: object) -> Deploy:
    usual = {"target": "shop", "stream": MAIN, "ref": MAIN, "commit": sha(str(number))}
    return Deploy(**{**usual, "number": number, "state": state, **facts})  # type: ignore[arg-type]


def test_every_cause_has_a_meaning_and_an_action() -> None:
    assert set(ADVICE) == set(CauseKind)
    assert all(each.meaning.endswith(".") and each.action.endswith(".") for each in ADVICE.values())


def test_lines_lead_from_what_was_superseded_to_what_did_it() -> None:
    deploys = [deploy(3), deploy(2), deploy(1, State.SUPERSEDED, superseded_by=3)]

    assert [(each.up, each.down, each.through) for each in lines(deploys)] == [
        (False, True, False),
        (False, False, True),
        (True, False, False),
    ]


def test_what_one_can_go_back_to() -> None:
    assert last_good([deploy(2), deploy(1)]) is None
    assert last_good([deploy(2, State.FAILED), deploy(1)]) == deploy(1)
    assert last_good([deploy(1, State.FAILED)]) is None


def test_a_rollback_undoes_each_later_commit_once() -> None:
    first = deploy(1)
    deploys = [
        deploy(6, State.RUNNING),
        deploy(5, commit=first.commit),
        deploy(4, State.FAILED),
        deploy(3, stream="tags"),
        deploy(2),
        first,
    ]

    assert [each.number for each in undone(first, deploys)] == [6, 2]


def test_phases_fill_the_bar_in_order() -> None:
    def state(at: int, now: State) -> Event:
        return Event(kind=EventKind.STATE, at=at, state=now)

    timeline = [
        Event(kind=EventKind.CREATED, at=0, state=State.PENDING),
        state(2_000, State.STARTING),
        state(3_000, State.RUNNING),
        state(9_000, State.SUCCEEDED),
        Event(kind=EventKind.CLEANED, at=10_000, state=State.SUCCEEDED),
    ]

    found = parts(timeline, 99_000, cleaned=True)

    assert [(each.phase, each.seconds) for each in found] == [
        ("waiting", 2.0),
        ("starting", 1.0),
        ("running", 6.0),
        ("cleaning", 1.0),
    ]
    assert [each.x for each in found] == [0, 200, 300, 900]
    assert parts(timeline[:3], 5_000, cleaned=False)[-1].seconds == 2.0
    assert parts([], 5_000, cleaned=True) == []


def test_medians_count_what_succeeded() -> None:
    def took(seconds: int, state: State = State.SUCCEEDED) -> RecentDeploy:
        times = {"created_at": 1, "started_at": 1001, "ended_at": 1001 + seconds * 1000}
        return RecentDeploy(number=1, state=state, **times)

    found = usual([took(1), took(3), took(9), took(500, State.FAILED)])

    assert found == (1.0, 3.0, 3)
    assert usual([took(1, State.FAILED)]) is None


def test_a_spark_line_shows_how_long_each_ran() -> None:
    bars = spark(
        [
            RecentDeploy(number=1, state=State.CANCELLED),
            RecentDeploy(number=2, state=State.SUCCEEDED, started_at=1, ended_at=36_000_000),
        ]
    )

    assert [(bar.x, bar.height, bar.state) for bar in bars] == [
        (0, 5, State.CANCELLED),
        (8, HEIGHT, State.SUCCEEDED),
    ]
