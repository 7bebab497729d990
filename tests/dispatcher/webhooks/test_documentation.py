"""docs/hooks.md says what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import dispatcher.webhooks
from dispatcher.webhooks.registry import PROVIDERS
from dispatcher.webhooks.results import Ignored, Parsed, Received
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


def events() -> Iterator[tuple[str, ...]]:
    """Providers, event, answer and reason: each row of the tables below a heading that names providers."""
    found = DOCUMENT.partition("### Events\n")[2].partition("\n### ")[0]
    for heading, table in re.findall(r"^#### (.+)\n\n((?:\|.*\n)+)", found, re.MULTILINE):
        for line in table.splitlines()[2:]:
            cells = (cell.strip().replace("`", "") for cell in line.strip("|").split("|"))
            yield heading.replace("`", ""), *cells


EVENTS = {
    (provider, event): (answer, reason)
    for providers, event, answer, reason in events()
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
    hosts = rows("Host", "`provider`", "Authenticated by", "The secret")

    assert {provider for _, provider, *_ in hosts} == set(PROVIDERS)


@pytest.mark.parametrize(
    "line",
    [
        "Where web doesn't know which files changed, it lets the push through, and the reason says so:",
        "Of a file that was renamed, both names count, so that the directory which it left is deployed too:",
        "The first address stands for the repository in answers, logs and the list of deliveries:",
    ],
)
def test_what_hosts_tell_is_said_of_every_provider(line: str) -> None:
    _, found, rest = DOCUMENT.partition(f"{line}\n\n")
    items = re.findall(r"^- ((?:`[\w-]+`(?:, )?)+|all): ", rest.partition("\n\n")[0], re.MULTILINE)
    told = [name.strip("`") for item in items for name in item.split(", ")]

    assert found, line
    assert set(told) - {"all"} == set(PROVIDERS)


def test_every_refusal_is_documented() -> None:
    source = "\n".join(path.read_text() for path in SOURCES.rglob("*.py"))
    raised = set(re.findall(r'Rejection\(\s*(\d+),\s*"(\w+)"', source))
    raised |= set(re.findall(r'status=(\d+),\s*code="(\w+)"', source))

    assert set(re.findall(r"^- (\d+) `(\w+)`: ", DOCUMENT, re.MULTILINE)) == raised


def test_the_documented_example_is_taken() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    body = example.encode()

    delivery = Sent("generic", "push", body, headers={"X-Signature-256": hmac_of(body)})

    assert delivery.push().paths == ("services/checkout/total.py",)
