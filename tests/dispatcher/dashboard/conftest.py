"""A web whose dashboard has something to show, and a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from dispatcher.ledger import Keys, Retention, Store, connect
from tests.dispatcher.dashboard.scene import Scene
from tests.dispatcher.http.web import TOKEN, Web
from tests.tools import installed

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Shown:
    """A web with a scene behind it."""

    def __init__(self, web: Web, scene: Scene) -> None:
        self.web, self.scene = web, scene
        self.store = scene.store


@pytest.fixture
def web(tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
    """One in which nothing has happened."""
    with Web(tmp_path, redis_url, keys) as web:
        yield web
    web.clean_up()


@pytest.fixture(scope="module")
def shown(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    keys = Keys(f"test-{uuid4().hex[:12]}")
    with connect(redis_url) as client, Web(tmp_path_factory.mktemp("web"), redis_url, keys) as web:
        scene = Scene(Store(client, keys, Retention()))
        scene.everything()
        yield Shown(web, scene)
        web.clean_up()
        clean(client, keys)


def clean(client: redis.Redis, keys: Keys) -> None:
    if left := list(client.scan_iter(match=f"{keys.prefix}*", count=1000)):
        client.delete(*left)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or whichever is there; continuous integration must have one.

    Playwright keeps an event loop in this thread, which no test of another module could do with.
    """
    path = installed("chromium", *BROWSERS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, shown: Shown) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=shown.web.url)
    context.set_default_timeout(60_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Somebody who is signed in and looks at the overview."""
    page = context.new_page()
    sign_in(page)
    return page


def sign_in(page: Page, token: str = TOKEN) -> None:
    page.goto("/sign-in")
    page.get_by_label("API token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
