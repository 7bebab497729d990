"""docs/api.md says what the application does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import dispatcher.http
from dispatcher.domain.cause import CauseKind
from dispatcher.domain.commit_history import CommitState
from dispatcher.domain.deploy import Reason, State
from dispatcher.domain.event import EventKind
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.waiting import WaitsFor
from dispatcher.http.api.schemas.access import AuditPage, CreatedToken, RevokedToken
from dispatcher.http.api.schemas.commits import CommitPage
from dispatcher.http.api.schemas.deliveries import DeliveryDetail, ReplayAnswer
from dispatcher.http.api.schemas.deploys import DeployDetail, OrderAnswer, RedeployAnswer
from dispatcher.http.api.schemas.events import EventPage
from dispatcher.http.api.schemas.health import Ready
from dispatcher.http.api.schemas.hooks import HookList
from dispatcher.http.api.schemas.notifications import (
    DeadLetterPage,
    ReceiverList,
    RequestedMessage,
)
from dispatcher.http.api.schemas.pauses import PauseAnswer
from dispatcher.http.api.schemas.processes import ProcessList
from dispatcher.http.api.schemas.queue import QueuePage
from dispatcher.http.api.schemas.repairs import RepairList
from dispatcher.http.api.schemas.system import SystemInfo
from dispatcher.http.api.schemas.targets import TargetInfo
from dispatcher.http.openapi.document import described_path
from dispatcher.http.operations import OPERATIONS
from dispatcher.http.responses import Problem
from dispatcher.http.webhooks import intake

DOCUMENT = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
SOURCES = Path(dispatcher.http.__file__).parent

EXAMPLES: tuple[Any, ...] = (
    Problem,
    intake.Answer,
    TargetInfo,
    CommitPage,
    QueuePage,
    EventPage,
    DeployDetail,
    RedeployAnswer,
    OrderAnswer,
    *[PauseAnswer] * 4,
    ProcessList,
    SystemInfo,
    RepairList,
    CreatedToken,
    RevokedToken,
    AuditPage,
    HookList,
    DeliveryDetail,
    ReplayAnswer,
    ReceiverList,
    RequestedMessage,
    DeadLetterPage,
    Ready,
)
"""What the JSON examples are, in the document's order."""


def test_every_operation_is_documented() -> None:
    documented = re.findall(r"^### `(\w+) (\S+)`$", DOCUMENT, re.MULTILINE)

    assert set(documented) == {(each.method, described_path(each)) for each in OPERATIONS}


def test_every_code_is_documented() -> None:
    source = "\n".join(path.read_text() for path in SOURCES.rglob("*.py"))
    raised = set(re.findall(r'ErrorResponse\(\s*(\d+),\s*"(\w+)"', source))
    raised |= set(re.findall(r'_error\((\d+), "(\w+)"', source))
    raised |= {("404", "not_found"), ("405", "method_not_allowed")}

    assert (
        set(re.findall(r"^(?:\| |- )(\d+) (?:\| )?`(\w+)`(?: \||:)", DOCUMENT, re.MULTILINE))
        == raised
    )


def test_every_example_is_as_the_types_say() -> None:
    examples = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)

    for text, kind in zip(examples, EXAMPLES, strict=True):
        value = msgspec.json.decode(text)
        understood = msgspec.convert(value, kind)
        assert json.loads(msgspec.json.encode(understood)) == value


def words_below(line: str) -> list[str]:
    """What the items begin with of the list below this line."""
    _, found, rest = DOCUMENT.partition(f"\n{line}\n\n")
    assert found, line
    return re.findall(r"^- `([\w-]+)`: ", rest.partition("\n\n")[0], re.MULTILINE)


def test_every_outcome_is_documented() -> None:
    assert words_below("`outcome` is one of") == [str(outcome) for outcome in Outcome]


def test_every_kind_of_cause_is_documented() -> None:
    assert words_below("The causes are") == [str(kind) for kind in CauseKind]


def test_everything_that_a_deploy_can_wait_for_is_documented() -> None:
    assert words_below("`waits_for` is one of") == [str(each) for each in WaitsFor]


def test_everything_that_a_commit_can_become_is_documented() -> None:
    assert words_below("one of") == [str(each) for each in CommitState]


def test_every_kind_of_event_is_documented() -> None:
    assert words_below("An event has the fields that say something. The kinds are") == [
        str(kind) for kind in EventKind
    ]


@pytest.mark.parametrize("word", [*State, *Reason])
def test_every_state_and_reason_is_named(word: str) -> None:
    assert f"`{word}`" in DOCUMENT
