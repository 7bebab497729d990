"""`notifications`: who is sent what happens."""

from __future__ import annotations

import base64

import pytest

from dispatcher.config import describe, read_without_secrets, warnings
from tests.dispatcher.config.test_targets import Files, files  # noqa: F401  # a fixture

KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
VALID = """\
version: 1
notifications:
  webhooks:
    bus: {url: "https://events.example.com/hidden", secrets: [{env: KEY}], events: [failed]}
  chat:
    team: {url: {env: CHAT}, summarize: {within: 5m}}
"""


@pytest.fixture
def keyed(files: Files) -> Files:  # noqa: F811
    files.environ |= {"KEY": KEY, "CHAT": "slack://hidden", "SHORT": "whsec_AAAA", "WORD": "hidden"}
    return files


def test_what_is_said_counts_and_no_secret_is_shown(keyed: Files) -> None:
    shown = describe(keyed.read(VALID))["notifications"]

    assert shown["webhooks"]["bus"] | {"events": 0} == {
        "url": "https://events.example.com",
        "targets": [],
        "namespaces": [],
        "events": 0,
        "causes": [],
        "longest_pause": "10m",
        "give_up_after": "1d",
        "allow_http": False,
        "secrets": ["env KEY"],
        "timeout": "10s",
    }
    assert shown["chat"]["team"]["url"] == "slack://…"
    assert shown["chat"]["team"]["summarize"] == {"within": "5m", "most": 20}
    assert "hidden" not in str(shown) + repr(keyed.read(VALID).notifications)


def test_without_secrets_it_is_valid_too(keyed: Files) -> None:
    shown = describe(read_without_secrets(keyed.write(VALID)))["notifications"]

    assert shown["chat"]["team"]["url"] == "env CHAT"


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:9"])
def test_http_is_for_loopback(keyed: Files, host: str) -> None:
    text = VALID.replace("https://events.example.com", f"http://{host}")

    assert describe(keyed.read(text))["notifications"]["webhooks"]["bus"]["url"] == f"http://{host}"


def test_http_elsewhere_is_allowed_by_a_setting(keyed: Files) -> None:
    text = VALID.replace("https:", "http:").replace("events: [failed]", "allow_http: true")

    assert keyed.read(text).notifications.webhooks["bus"].allow_http


@pytest.mark.parametrize(
    ("said", "mistake"),
    [
        ("{}", "url: is missing; add it"),
        ('{url: "http://a.example/x", secrets: [{env: KEY}]}', "url: is http, which anyone"),
        ('{url: "https://u:hidden@a.example/x", secrets: [{env: KEY}]}', "url: holds a user name"),
        ('{url: "a.example/hidden", secrets: [{env: KEY}]}', "url: is not a URL; write it like"),
        ("{url: {env: WORD}, secrets: [{env: KEY}]}", "url: is not a URL; write it like"),
        ("{url: 3, secrets: [{env: KEY}]}", "url: does not say where the secret is"),
        ('{url: "https://a/x", secrets: []}', "secrets: is empty; list at least one"),
        ('{url: "https://a/x", secrets: [{env: WORD}]}', "secrets: env WORD does not begin with"),
        ('{url: "https://a/x", secrets: [{env: SHORT}]}', "secrets: env SHORT has 3 bytes, and a"),
        (
            '{url: "https://a/x", secrets: [{env: KEY}], events: [faild]}',
            'events[0]: "faild" is no event and no state; did you mean "failed"?',
        ),
        (
            '{url: "https://a/x", secrets: [{env: KEY}], causes: [scripts]}',
            'causes[0]: "scripts" is not a cause; did you mean "script"?',
        ),
        (
            '{url: "https://a/x", secrets: [{env: KEY}], target: [a]}',
            'target: is not a setting here; did you mean "targets"?',
        ),
        (
            '{url: "https://a/x", secrets: [{env: KEY}], give_up_after: 8d}',
            'give_up_after: "8d" is out of range',
        ),
    ],
)
def test_mistakes_of_webhooks(keyed: Files, said: str, mistake: str) -> None:
    found = keyed.mistakes(f"version: 1\nnotifications:\n  webhooks:\n    bus: {said}")

    assert found[0].startswith(f"c.yaml:4: notifications.webhooks.bus.{mistake}")
    assert "hidden" not in str(found)


@pytest.mark.parametrize(
    ("said", "mistake"),
    [
        ('{url: "slack://hidden"}', "url: does not say where the secret is"),
        ("{url: {env: WORD}}", "url: env WORD is not an apprise URL"),
        ("{url: {env: CHAT}, summarize: {withn: 5m}}", "summarize.withn: is not a setting here"),
        ("{url: {env: CHAT}, summarize: {most: 0}}", "summarize.most: 0 is too small"),
        ("{url: {env: CHAT}, secrets: [{env: KEY}]}", "secrets: is not a setting here"),
    ],
)
def test_mistakes_of_chats(keyed: Files, said: str, mistake: str) -> None:
    (found,) = keyed.mistakes(f"version: 1\nnotifications:\n  chat:\n    team: {said}")

    assert found.startswith(f"c.yaml:4: notifications.chat.team.{mistake}")
    assert "hidden" not in found


TARGETS = """\
hooks:
  h: {provider: generic, secrets: [{env: SECRET}], repositories: ["**"]}
targets:
  shop:
    repository: https://git.example.com/acme/shop
    branches: [main]
    namespace: builds
    job: {image: x}
"""


@pytest.mark.parametrize(
    ("said", "concerned"),
    [
        ("targets: [shop]", True),
        ('targets: ["!docs"], namespaces: [builds]', True),
        ("targets: [shp]", False),
        ("namespaces: [deploys]", False),
    ],
)
def test_a_receiver_that_no_target_concerns_is_warned_of(
    keyed: Files, said: str, concerned: bool
) -> None:
    text = VALID.replace("events: [failed]", said) + TARGETS

    found = [str(each) for each in warnings(keyed.read(text))]

    expected = [] if concerned else ["notifications.webhooks.bus: no target is what its"]
    assert [each[: len(expected[0])] if expected else each for each in found] == expected


def test_names_of_receivers_differ(keyed: Files) -> None:
    (found,) = keyed.mistakes(VALID.replace("team:", "bus:"))

    assert found.startswith("c.yaml:5: notifications.chat: bus is a webhook's name too")


def test_there_are_not_too_many(keyed: Files) -> None:
    more = "".join(f"    n{n}: {{url: {{env: CHAT}}}}\n" for n in range(20))

    (found,) = keyed.mistakes(VALID + more)

    assert "has more than 20 receivers" in found


def test_only_one_file_says_it(keyed: Files) -> None:
    keyed.write(VALID, "folder/a.yaml")
    keyed.write(VALID, "folder/b.yaml")

    (line,) = keyed.mistakes_in(keyed.directory / "folder")

    assert line.startswith("folder/b.yaml:2: notifications: is in folder/a.yaml:2 already")
