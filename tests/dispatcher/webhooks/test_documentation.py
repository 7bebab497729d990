"""docs/hooks.md says what the code does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import dispatcher.webhooks
from dispatcher.webhooks import PROVIDERS, Ignored, Received
from tests.dispatcher.webhooks.support import Sent, hmac_of, names, sent

DOCUMENT = (Path(__file__).parents[3] / "docs" / "hooks.md").read_text()
SOURCES = Path(dispatcher.webhooks.__file__).parent

ANSWERS = {"taken": Received, "ignored": Ignored}


def rows(*header: str) -> Iterator[tuple[str, ...]]:
    """The rows of the table with this header."""
    _, _, rest = DOCUMENT.partition(f"| {' | '.join(header)} |\n")
    for line in rest.splitlines()[1:]:
        if not line.startswith("|"):
            return
        yield tuple(cell.strip().replace("`", "") for cell in line.strip("|").split("|"))


EVENTS = {
    (provider, event): answer for provider, event, answer in rows("Provider", "Event", "Answer")
}


def event_of(delivery: Sent) -> str:
    if delivery.provider == "generic":
        refs = [each["ref"] for each in json.loads(delivery.body)["refs"]]
        some = any(ref.startswith(("refs/heads/", "refs/tags/")) for ref in refs)
        return "a branch or tag among refs" if some else "no branch or tag among refs"
    header = b"x-github-event" if delivery.provider == "github" else b"x-gitlab-event"
    event = dict(delivery.raw_headers)[header].decode()
    return event if (delivery.provider, event) in EVENTS else "any other"


@pytest.mark.parametrize("name", names())
def test_every_fixture_is_answered_as_documented(name: str) -> None:
    delivery = sent(name)
    documented = EVENTS[delivery.provider, event_of(delivery)]

    assert isinstance(delivery.answer(), ANSWERS[documented])


def test_every_row_has_a_fixture() -> None:
    assert {(d.provider, event_of(d)) for d in map(sent, names())} == set(EVENTS)
    assert {provider for provider, _ in EVENTS} == set(PROVIDERS)


def test_every_refusal_is_documented() -> None:
    source = "\n".join(path.read_text() for path in SOURCES.glob("*.py"))
    raised = set(re.findall(r'Refused\(\s*(\d+),\s*"(\w+)"', source))
    raised |= set(re.findall(r'status=(\d+),\s*code="(\w+)"', source))

    assert {(status, code) for status, code, _ in rows("Status", "Code", "Meaning")} == raised


def test_the_documented_example_is_taken() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    body = example.encode()

    delivery = Sent("generic", "push", body, headers={"X-Signature-256": hmac_of(body)})

    assert delivery.push().paths == ("services/checkout/total.py",)
