"""A hook without secrets, and who reaches it through somebody's browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dispatcher.http.connection.origins import is_local
from dispatcher.ledger import Keys
from tests.dispatcher.http.web import CONFIGURATION, Web, error, results
from tests.dispatcher.webhooks.support import sent

OPEN = CONFIGURATION.replace(
    "targets:\n",
    '  open: {provider: generic, insecure: true, repositories: ["git.example.com/**"]}\ntargets:\n',
    1,
)
NEAR = [
    ("127.0.0.1:8000", None),
    ("127.0.0.1", None),
    ("127.8.8.8:1", None),
    ("localhost:8000", None),
    ("LocalHost.", None),
    ("app.localhost:8000", None),
    ("[::1]:8000", None),
    ("[::ffff:127.0.0.1]", None),
    ("127.0.0.1:8000", "http://127.0.0.1:8000"),
    ("localhost:8000", "http://LOCALHOST:8000"),
]
FAR = [
    ("evil.example:8000", None),  # its name was resolved anew
    ("evil.example:8000", "http://evil.example:8000"),
    ("127.0.0.1:8000", "https://evil.example"),  # its form was sent here
    ("127.0.0.1:8000", "null"),
    ("127.0.0.1:8000", "http://127.0.0.1:3000"),  # what another user of the machine serves
    ("127.0.0.1:8000", "https://127.0.0.1:8000"),
    ("127.0.0.1:8000", ""),
    ("127.0.0.1.evil.example", None),
    ("localhost.evil.example", None),
    ("evil.example#localhost", None),
    ("evil@localhost", None),
    ("localhost:8000:8000", None),
    ("0.0.0.0:8000", None),
    ("[::]:8000", None),
    ("192.0.2.1", None),
    ("::1", None),
    ("", None),
]


def headers(host: str, origin: str | None) -> list[tuple[bytes, bytes]]:
    found = [(b"host", host.encode())]
    return found if origin is None else [*found, (b"origin", origin.encode())]


@pytest.mark.parametrize(("host", "origin"), NEAR)
def test_what_is_meant_for_this_machine(host: str, origin: str | None) -> None:
    assert is_local(headers(host, origin))


@pytest.mark.parametrize(("host", "origin"), FAR)
def test_what_is_not(host: str, origin: str | None) -> None:
    assert not is_local(headers(host, origin))


def test_a_header_that_is_missing_or_comes_twice_is_no_word() -> None:
    good = headers("127.0.0.1", "http://127.0.0.1")
    assert is_local(good)

    assert not is_local([])
    assert not is_local(good[1:])
    assert not is_local([*good, good[0]])
    assert not is_local([*good, good[1]])


@pytest.fixture
def opened(tmp_path: Path, redis_url: str, keys: Keys) -> Web:
    web = Web(tmp_path, redis_url, keys)
    web.config.write_text(OPEN)
    return web


FOREIGN = [{"Host": "evil.example:8000"}, {"Origin": "https://evil.example"}]


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_web_page_of_elsewhere_deploys_nothing(
    opened: Web, foreign: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    delivery = sent("generic/push__branch")
    path, body = "/webhooks/open", delivery.body
    plain = {"Content-Type": "application/json"}
    with opened as web:
        refused = web.http.post(path, content=body, headers={**plain, **foreign})
        nobodys = web.http.post("/webhooks/nobodys", content=body, headers=plain)
        taken = web.http.post(path, content=body, headers=plain)
    opened.clean_up()

    assert error(refused) == error(nobodys) == (401, "unauthorized")
    assert refused.content == nobodys.content
    assert json.loads(body)["repository"]
    assert results(taken) == {"bare": "accepted"}
    assert "foreign_host" in capsys.readouterr().out


def test_who_allows_it_knows_what_he_does(opened: Web) -> None:
    opened.allow_insecure = True
    delivery = sent("generic/push__branch")
    with opened as web:
        headers = {"Content-Type": "application/json", "Host": "deploy.example.com"}
        taken = web.http.post("/webhooks/open", content=delivery.body, headers=headers)
    opened.clean_up()

    assert results(taken) == {"bare": "accepted"}
