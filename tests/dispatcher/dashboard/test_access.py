"""Who may see and do what on the dashboard, and how one comes in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from dispatcher.domain.access import Role, Token
from dispatcher.domain.deploy import State
from dispatcher.ledger import Keys, Reader, Sessions, Store, Tokens, digest
from tests.dispatcher.dashboard.scene import Scene
from tests.dispatcher.http.web import OTHER_TOKEN, TOKEN, Web, error

PAGES = (
    "/",
    "/targets/shop",
    "/targets/shop/deploys/1",
    "/queue",
    "/live",
    "/commits/1234567",
    "/deliveries",
    "/hooks",
    "/system",
    "/audit",
    "/targets/shop/pause",
    "/targets/shop/deploys/1/cancel",
)
OF_ALL = ("/deliveries", "/hooks", "/system", "/audit", "/pause", "/resume", "/deliveries/x/replay")
ORDERS = (
    "/targets/shop/pause",
    "/targets/shop/resume",
    "/targets/shop/redeploy",
    "/targets/shop/deploys/1/cancel",
    "/targets/shop/deploys/1/release",
    "/targets/shop/deploys/1/redeploy",
    "/pause",
    "/resume",
    "/deliveries/x/replay",
)


@pytest.fixture
def scene(web: Web, store: Store) -> Scene:
    scene = Scene(store)
    scene.push("shop", "a")
    scene.push("lab", "b")
    return scene


class Person:
    """Somebody at a browser."""

    def __init__(self, web: Web, **headers: str) -> None:
        self.http = httpx.Client(base_url=web.url, trust_env=False, verify=False, headers=headers)

    def get(self, path: str, **more: object) -> httpx.Response:
        with self.http.stream("GET", path, **more) as response:  # type: ignore[arg-type]
            if "event-stream" not in response.headers.get("content-type", ""):
                response.read()
            return response

    def sign_in(self, token: str, following: str = "/") -> httpx.Response:
        code = field(self.get("/sign-in").text, "csrf")
        sent = {"csrf": code, "token": token, "next": following}
        return self.http.post("/sign-in", data=sent)

    def order(self, path: str, **fields: str) -> httpx.Response:
        """Opens the page that asks, and sends its form."""
        asked = self.get(path)
        assert asked.status_code == 200, asked.text
        sent = {"csrf": field(asked.text, "csrf"), "key": field(asked.text, "key"), **fields}
        return self.http.post(path, data=sent)


People = Callable[..., Person]


def field(page: str, name: str) -> str:
    found = re.findall(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return str(found[-1])


@pytest.fixture
def people() -> Iterator[People]:
    """Lets people come, and go in the end."""
    came: list[Person] = []

    def comes(web: Web, **headers: str) -> Person:
        came.append(Person(web, **headers))
        return came[-1]

    yield comes
    for each in came:
        each.http.close()


@pytest.fixture
def person(web: Web, people: People) -> Person:
    return people(web)


def token(store: Store, role: Role, *targets: str) -> str:
    text = Tokens(store).create(Token(name="bob", role=role, targets=targets, created_at=0))
    assert text
    return text


@pytest.mark.parametrize("path", [*PAGES, *ORDERS])
def test_nothing_is_shown_to_who_is_not_signed_in(scene: Scene, person: Person, path: str) -> None:
    response = person.get(path)

    assert response.status_code == 303
    assert response.headers["location"].startswith("/sign-in")
    assert person.http.post("/targets/shop/pause").status_code == 303


@pytest.mark.parametrize("sent", [TOKEN, OTHER_TOKEN])
def test_an_api_token_signs_in(scene: Scene, person: Person, sent: str) -> None:
    response = person.sign_in(sent, following="/targets/shop")

    assert (response.status_code, response.headers["location"]) == (303, "/targets/shop")
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie
    assert sent not in cookie
    assert person.get("/targets/shop").status_code == 200


@pytest.mark.parametrize(
    "following", ["//evil.example", "https://evil.example", "/\\evil", "x", ""]
)
def test_a_sign_in_leads_nowhere_else(scene: Scene, person: Person, following: str) -> None:
    assert person.sign_in(TOKEN, following).headers["location"] == "/"


def test_every_page_has_a_strict_policy_and_nothing_inline(scene: Scene, person: Person) -> None:
    person.sign_in(TOKEN)
    for path in PAGES:
        response = person.get(path)
        assert response.status_code == 200, path
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
        assert "unsafe" not in policy
        assert response.headers["cache-control"] == "no-store"
        if path != "/live":
            assert not re.search(r"<script>|<style| style=| on\w+=|javascript:", response.text), (
                path
            )
            assert TOKEN not in response.text


def test_a_wrong_token_is_refused_and_too_many_are_not_even_looked_at(
    tmp_path: Path, redis_url: str, keys: Keys, people: People
) -> None:
    web = Web(tmp_path, redis_url, keys)
    web.environ["DISPATCHER_FAILURES_PER_ADDRESS"] = "2"
    with web:
        person = people(web)

        answers = [person.sign_in(each).status_code for each in ("wrong", "", TOKEN + "x", TOKEN)]

        assert answers == [401, 401, 429, 429]
    web.clean_up()


def test_the_form_of_another_site_signs_nobody_in(web: Web, person: Person) -> None:
    code = field(person.get("/sign-in").text, "csrf")
    form = {"csrf": code, "token": TOKEN}

    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Cookie": ""},
    ):
        assert person.http.post("/sign-in", data=form, headers=headers).status_code == 403


def test_a_link_signs_in_once(web: Web, store: Store, person: Person, people: People) -> None:
    code = Sessions(store).link(digest(TOKEN))

    first = person.get(f"/sign-in?link={code}")
    again = people(web).get(f"/sign-in?link={code}")

    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert person.get("/").status_code == 200
    assert again.status_code == 401
    assert "used before" in again.text


def test_signing_out_ends_the_session_and_not_only_the_cookie(web: Web, person: Person) -> None:
    person.sign_in(TOKEN)
    cookies = dict(person.http.cookies)
    csrf = field(person.get("/").text, "csrf")

    assert person.http.post("/sign-out", data={"csrf": csrf}).status_code == 303

    assert person.get("/").status_code == 303
    assert httpx.get(web.url, cookies=cookies, trust_env=False).status_code == 303


def test_a_session_ends_with_its_token(store: Store, scene: Scene, person: Person) -> None:
    person.sign_in(token(store, Role.READ))
    assert person.get("/").status_code == 200

    Tokens(store).revoke("bob")

    assert person.get("/").status_code == 303


@pytest.mark.parametrize("path", ORDERS)
def test_who_may_only_read_sees_no_button_and_can_give_no_order(
    scene: Scene, store: Store, person: Person, path: str
) -> None:
    person.sign_in(token(store, Role.READ))
    pages = [
        person.get(each).text for each in ("/targets/shop", "/targets/shop/deploys/1", "/system")
    ]

    assert not any('class="button' in page for page in pages)
    csrf = field(pages[0], "csrf")
    assert person.get(path).status_code == 403
    assert person.http.post(path, data={"csrf": csrf}).status_code == 403
    deploy = Reader(store).deploy("shop", 1)
    assert deploy is not None
    assert deploy.state is State.PENDING


@pytest.mark.parametrize("path", [*PAGES, *ORDERS])
def test_a_limited_token_sees_its_targets_only(
    scene: Scene, store: Store, person: Person, path: str
) -> None:
    person.sign_in(token(store, Role.ADMIN, "lab"))

    response = person.get(path)

    of_shop = path.startswith("/targets/shop")
    assert response.status_code == (404 if of_shop else 403 if path in OF_ALL else 200)
    if response.status_code == 200 and path != "/live":
        assert "shop" not in response.text.replace("gitlab.com/acme/shop", "")
        assert "/deliveries" not in response.text


def test_an_order_needs_the_code_of_its_form(scene: Scene, store: Store, person: Person) -> None:
    person.sign_in(TOKEN)
    code = field(person.get("/targets/shop/pause").text, "csrf")

    for fields, headers in (
        ({}, {}),
        ({"csrf": "wrong"}, {}),
        ({"csrf": code}, {"Origin": "https://evil.example"}),
        ({"csrf": code}, {"Sec-Fetch-Site": "same-site"}),
    ):
        answer = person.http.post("/targets/shop/pause", data=fields, headers=headers)
        assert answer.status_code == 403

    assert store.fields(store.keys.row("shop")).get("paused") is None


def test_orders_are_carried_out_and_audited(
    web: Web, scene: Scene, store: Store, person: Person
) -> None:
    scene.run("shop")
    person.sign_in(token(store, Role.OPERATE))

    assert person.order("/targets/shop/pause", reason="a\nmigration").status_code == 303
    assert "paused by bob: a migration" in person.get("/targets/shop").text.lower()
    assert person.order("/targets/shop/resume").status_code == 303
    redeployed = person.order("/targets/shop/deploys/1/redeploy")
    assert person.order("/targets/lab/deploys/1/cancel").status_code == 303
    assert person.order("/pause", reason="all").status_code == 303
    assert person.order("/resume").status_code == 303
    refused = person.order("/targets/shop/deploys/2/release")

    assert redeployed.headers["location"] == "/targets/shop/deploys/2"
    assert refused.status_code == 409
    assert "cancel it first" in refused.text
    orders = web.api("audit").json()["orders"]
    assert [(each["caller"], each["verb"], each["subject"]) for each in orders] == [
        ("bob", "release", "shop/2"),
        ("bob", "resume", ""),
        ("bob", "pause", ""),
        ("bob", "cancel", "lab/1"),
        ("bob", "redeploy", "shop"),
        ("bob", "resume", "shop"),
        ("bob", "pause", "shop"),
    ]
    assert orders[-1]["reason"] == "a migration"


def test_a_form_that_is_sent_twice_redeploys_once(scene: Scene, person: Person) -> None:
    scene.run("shop")
    person.sign_in(TOKEN)
    asked = person.get("/targets/shop/deploys/1/redeploy").text
    form = {"csrf": field(asked, "csrf"), "key": field(asked, "key")}

    answers = [person.http.post("/targets/shop/deploys/1/redeploy", data=form) for _ in range(2)]

    assert {each.headers["location"] for each in answers} == {"/targets/shop/deploys/2"}


def test_the_session_opens_the_api_for_reading_only(web: Web, scene: Scene, person: Person) -> None:
    person.sign_in(TOKEN)

    assert person.get("/api/v1/targets").status_code == 200
    assert error(person.http.post("/api/v1/pause", content=b"{}")) == (401, "unauthorized")


def test_a_link_on_another_site_loads_itself_again(web: Web, person: Person) -> None:
    response = person.get("/targets/shop", headers={"Sec-Fetch-Site": "cross-site"})

    assert response.status_code == 200
    assert 'http-equiv="refresh" content="0"' in response.text


class TestProxy:
    """A trusted proxy names the user."""

    @pytest.fixture
    def web(self, tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
        web = Web(tmp_path, redis_url, keys)
        web.environ |= {
            "DISPATCHER_TRUSTED_PROXIES": "127.0.0.1/32",
            "DISPATCHER_USER_HEADER": "x-auth-request-email",
            "DISPATCHER_USER_ROLES": "*@example.com=read, ann@example.com=operate",
        }
        with web:
            yield web
        web.clean_up()

    def test_its_user_needs_no_token_and_has_the_highest_role(
        self, web: Web, scene: Scene, people: People
    ) -> None:
        ann = people(
            web, **{"x-auth-request-email": "ann@example.com", "x-forwarded-proto": "https"}
        )
        bob = people(web, **{"x-auth-request-email": "bob@example.com"})

        first = ann.get("/")

        assert first.status_code == 200
        assert "Secure" in first.headers["set-cookie"]
        assert "__Host-" in first.headers["set-cookie"]
        assert "Sign out" not in first.text
        assert bob.get("/targets/shop/pause").status_code == 403

    def test_its_users_order_is_audited_by_name(
        self, web: Web, scene: Scene, people: People
    ) -> None:
        ann = people(web, **{"x-auth-request-email": "ann@example.com"})

        assert ann.order("/targets/shop/pause").status_code == 303

        (order,) = web.api("audit").json()["orders"]
        assert (order["caller"], order["verb"]) == ("ann@example.com", "pause")

    def test_who_has_no_role_has_to_sign_in(self, web: Web, scene: Scene, people: People) -> None:
        eve = people(web, **{"x-auth-request-email": "eve@elsewhere.com"})

        assert eve.get("/").status_code == 303


def test_nobody_but_a_trusted_proxy_names_a_user(
    tmp_path: Path, redis_url: str, keys: Keys, people: People
) -> None:
    web = Web(tmp_path, redis_url, keys)
    web.environ |= {
        "DISPATCHER_TRUSTED_PROXIES": "192.0.2.1/32",
        "DISPATCHER_USER_HEADER": "x-auth-request-email",
        "DISPATCHER_USER_ROLES": "*=admin",
    }
    with web:
        assert people(web, **{"x-auth-request-email": "ann"}).get("/").status_code == 303
    web.clean_up()
