"""A configuration that changes while web runs."""

from __future__ import annotations

from structlog.testing import capture_logs

from tests.dispatcher.http.web import CONFIGURATION, Web, results
from tests.dispatcher.webhooks.support import sent
from tests.waiting import eventually

MORE = """
  shop-mirror:
    repository: git@github.com:acme/shop.git
    branches: [main]
    job: {image: deployer}
"""


def names(web: Web) -> list[str]:
    return [each["name"] for each in web.api("targets").json()["targets"]]


def test_a_new_target_is_picked_up(web: Web) -> None:
    web.config.write_text(CONFIGURATION + MORE)

    assert eventually(lambda: "shop-mirror" in names(web))
    assert results(web.deliver(sent("github/push__branch")))["shop-mirror"] == "accepted"


def test_a_new_hook_is_picked_up_and_an_old_one_is_gone(web: Web) -> None:
    web.config.write_text(CONFIGURATION.replace("  github:\n", "  octocat:\n"))

    ping = sent("github/ping__webhook")
    assert eventually(lambda: web.deliver(ping).status_code == 401)
    assert web.deliver(ping, "octocat").status_code == 200


def test_a_broken_file_is_refused_and_the_last_good_one_stays(web: Web) -> None:
    before = names(web)

    with capture_logs() as logs:
        web.config.write_text(CONFIGURATION.replace("image: deployer", "imag: deployer"))
        assert eventually(lambda: any("refused" in each["event"] for each in logs))

    assert names(web) == before
    web.config.write_text(CONFIGURATION.replace("lab:", "lab-two:"))
    assert eventually(lambda: "lab-two" in names(web))
