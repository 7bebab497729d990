"""The dashboard in a real browser: live, by keyboard, without faults that axe knows; payloads stay text."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from dispatcher.domain.deploy import State
from dispatcher.ledger import Reader
from tests.dispatcher.dashboard.conftest import Shown
from tests.dispatcher.dashboard.scene import HOSTILE
from tests.dispatcher.ledger.helpers import sha
from tests.dispatcher.webhooks.support import sent

pytestmark = pytest.mark.xdist_group("browser")

PAGES = (
    "/",
    "/?q=shop",
    "/targets/shop",
    "/targets/shop/deploys/2",
    "/targets/shop/deploys/1/redeploy",
    "/queue",
    "/deliveries",
    "/hooks",
    "/system",
    "/audit",
    f"/commits/{sha('b')}?repository=https://github.com/acme/shop",
    "/targets/nowhere",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    faults = []
    for path in PAGES:
        page.goto(path)
        found = Axe().run(page).response["violations"]
        faults += [
            (path, each["id"], [node["html"] for node in each["nodes"]])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]

    assert faults == []


def test_axe_finds_no_serious_fault_in_the_sign_in(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/sign-in")

    found = Axe().run(page).response["violations"]

    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []


def test_a_push_appears_on_an_open_page_by_itself(page: Page, shown: Shown) -> None:
    page.goto("/")
    page.evaluate("window.mine = true")
    expect(page.get_by_text("Fix the checkout")).to_have_count(0)

    assert shown.web.deliver(sent("github/push__branch")).status_code == 202

    expect(page.get_by_text("Fix the checkout").first).to_be_visible()
    assert page.evaluate("window.mine")  # the page was not loaded anew


def test_what_is_typed_and_scrolled_stays_while_the_page_changes(page: Page, shown: Shown) -> None:
    page.set_viewport_size({"width": 700, "height": 300})
    page.goto("/")
    page.get_by_label("Search by target").fill("half a wo")
    page.evaluate("window.scrollTo(0, 150)")
    before = page.evaluate("window.scrollY")

    shown.scene.push("shop-releases", "typed", title="While somebody types")

    expect(page.get_by_text("While somebody types").first).to_be_attached()
    expect(page.get_by_label("Search by target")).to_have_value("half a wo")
    expect(page.get_by_label("Search by target")).to_be_focused()
    assert page.evaluate("window.scrollY") == before > 0


def test_a_lost_connection_comes_back_by_itself(page: Page, shown: Shown) -> None:
    page.goto("/targets/shop-releases")
    live = page.locator("#live")
    expect(live).to_have_attribute("data-state", "live")
    page.evaluate("window.mine = true")

    shown.web.__exit__(None, None, None)
    expect(page.get_by_role("status")).to_contain_text("No connection")
    shown.scene.push("shop-releases", "missed", title="Pushed meanwhile")
    shown.web.__enter__()

    expect(page.get_by_text("Pushed meanwhile").first).to_be_visible()
    expect(live).to_have_attribute("data-state", "live")
    assert page.evaluate("window.mine")


def test_a_deploy_is_cancelled_and_redeployed(page: Page, shown: Shown) -> None:
    shown.scene.push("each", "to-cancel")
    number = max(Reader(shown.store).numbers("each"))
    page.goto(f"/targets/each/deploys/{number}")

    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", name=f"Cancel each/{number}?")).to_be_visible()
    page.get_by_label("Reason").fill("the wrong branch")
    page.get_by_role("button", name=f"Cancel each/{number}").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("cancelled")
    deploy = Reader(shown.store).deploy("each", number)
    assert deploy is not None
    assert (deploy.state, deploy.cancelled_by) == (State.CANCELLED, "token 2 of 2")

    page.get_by_role("link", name="Redeploy this").click()
    page.get_by_role("button", name="Redeploy").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text(f"each/{number + 1}")
    page.goto("/audit")
    expect(page.get_by_text("the wrong branch").first).to_be_visible()


def test_a_rollback_names_what_it_undoes(page: Page, shown: Shown) -> None:
    for commit in ("first", "second", "third"):
        shown.scene.push("shop-docs", commit, title=f"The {commit} change")
        shown.scene.run("shop-docs")
    page.goto("/targets/shop-docs/deploys/1")

    page.get_by_role("link", name="Roll back to this").click()

    undone = page.get_by_role("main").get_by_role("listitem")
    expect(undone).to_have_count(2)
    expect(undone.nth(0)).to_contain_text("The third change")
    expect(undone.nth(1)).to_contain_text("The second change")


def test_nothing_of_a_payload_or_a_log_becomes_markup(page: Page, shown: Shown) -> None:
    shown.scene.push("bare", "evil", title=HOSTILE, ref="refs/heads/<img/src=x/onerror=alert(1)>")
    said: list[str] = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    for path in ("/", "/targets/bare", "/targets/lab", "/targets/shop/deploys/2", "/queue"):
        page.goto(path)
        assert page.title().endswith("· git-dispatcher")
        assert page.locator("main script, main img").count() == 0

    page.goto("/targets/shop/deploys/2")
    log = page.locator("pre.log").first
    assert log.inner_text().splitlines()[3] == HOSTILE
    assert "\x1b" not in log.inner_text()
    assert log.locator(".c1").first.inner_text() == "ERROR"
    assert said == []


def test_the_policy_lets_no_inline_script_run(page: Page) -> None:
    page.goto("/")

    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.body.append(s); }"
    )

    assert page.evaluate("window.ran") is None


def test_by_keyboard_one_comes_to_the_content_and_the_search(page: Page) -> None:
    page.goto("/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("/")

    expect(page.get_by_label("Search by target")).to_be_focused()


def test_on_a_phone_nothing_is_wider_than_the_screen(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 700})
    for path in PAGES:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_who_is_signed_out_elsewhere_is_led_to_the_sign_in(
    page: Page, context: BrowserContext
) -> None:
    page.goto("/targets/shop")
    other = context.new_page()
    other.goto("/")
    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url("**/sign-in")

    page.reload()

    assert page.url.endswith("/sign-in?next=/targets/shop")


def test_a_link_from_another_site_opens_for_who_is_signed_in(page: Page, shown: Shown) -> None:
    page.route(
        "http://elsewhere.test/",
        lambda route: route.fulfill(
            content_type="text/html", body=f"<a href='{shown.web.url}/targets/shop'>look</a>"
        ),
    )
    page.goto("http://elsewhere.test/")

    page.get_by_role("link", name="look").click()

    expect(page.get_by_role("heading", name="shop")).to_be_visible()
