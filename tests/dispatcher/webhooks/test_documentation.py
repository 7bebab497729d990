"""docs/hooks.md says what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import dispatcher.webhooks
from dispatcher.webhooks.parsed import Ignored, Parsed, Received
from dispatcher.webhooks.registry import PROVIDERS
from tests.dispatcher.webhooks.support import Sent, hmac_of, names, sent

DOCUMENT = (Path(__file__).parents[3] / "docs" / "hooks.md").read_text()
SOURCES = Path(dispatcher.webhooks.__file__).parent


def rows(*header: str) -> Iterator[tuple[str, ...]]:
    """The rows of the table with this header."""
    _, _, rest = DOCUMENT.partition(f"| {' | '.join(header)} |\n")
    for line in rest.splitlines()[1:]:
        if not line.startswith("|"):
            return
        yield tuple(cell.strip().replace("`", "") for cell in line.strip("|").split("|"))


EVENTS = {
    (provider, event): (answer, reason)
    for providers, event, answer, reason in rows("Provider", "Event", "Parsed", "Reason")
    for provider in providers.split(", ")
}

CASES = {
    "test_delivery": ", test delivery",
    "no_changes": ", no branch or tag",
    "only_notes": ", no branch or tag",
    "no_refs": ", no refs",
}
"""Fixtures whose answer is another than that of their event."""


def event_of(name: str, answer: Parsed) -> tuple[str, str]:
    """The row that a fixture is an example of: provider and event."""
    provider, _, rest = name.partition("/")
    case = ", new branch" if rest == "create__branch" else CASES.get(rest.partition("__")[2], "")
    event = getattr(answer, "event", "") + case
    return provider, event if (provider, event) in EVENTS else "any other"


def told(answer: Parsed) -> tuple[str, str]:
    if isinstance(answer, Received):
        return "taken", ""
    assert isinstance(answer, Ignored), answer
    return "ignored", answer.reason


@pytest.mark.parametrize("name", names())
def test_every_fixture_is_answered_as_documented(name: str) -> None:
    answer = sent(name).answer()

    assert told(answer) == EVENTS[event_of(name, answer)]


def test_every_row_has_a_fixture() -> None:
    assert {event_of(name, sent(name).answer()) for name in names()} == set(EVENTS)
    assert {provider for provider, _ in EVENTS} == set(PROVIDERS)


def test_every_provider_has_its_line_in_the_list_of_hosts() -> None:
    hosts = rows("Host", "`provider`", "Proof", "The secret", "After a 503")

    assert {provider for _, provider, *_ in hosts} == set(PROVIDERS)


@pytest.mark.parametrize(
    "header",
    [
        "Not known",
        "Lists of a renamed file",
        "Addresses, of which the first stands for the repository in answers, logs and the list of deliveries",
    ],
)
def test_what_hosts_tell_is_said_of_every_provider(header: str) -> None:
    told = [name for cells in rows("Provider", header) for name in cells[0].split(", ")]

    assert set(told) - {"all"} == set(PROVIDERS)


def test_every_refusal_is_documented() -> None:
    source = "\n".join(path.read_text() for path in SOURCES.rglob("*.py"))
    raised = set(re.findall(r'Refused\(\s*(\d+),\s*"(\w+)"', source))
    raised |= set(re.findall(r'status=(\d+),\s*code="(\w+)"', source))

    assert {(status, code) for status, code, _ in rows("Status", "Code", "Meaning")} == raised


def test_the_documented_example_is_taken() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    body = example.encode()

    delivery = Sent("generic", "push", body, headers={"X-Signature-256": hmac_of(body)})

    assert delivery.push().paths == ("services/checkout/total.py",)
