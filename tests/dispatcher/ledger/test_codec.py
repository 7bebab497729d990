"""What another version has stored: which differences a process reads, and which it refuses."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from dispatcher.domain.delivery import Delivery
from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.errors import LedgerCorrupt
from dispatcher.domain.observed_job import ObservedJob
from dispatcher.domain.pause import Paused
from dispatcher.domain.repairs import Kind, Repair
from dispatcher.domain.spec import Policies, Spec
from dispatcher.ledger.codec import decode

DEPLOY = Deploy(
    target="shop", number=7, state=State.RUNNING, stream="main", ref="refs/heads/main", commit="c1"
)
STORED = [
    DEPLOY,
    Delivery(id="d1", hook="github", provider="github"),
    ObservedJob(namespace="deploys", job="shop-7", uid="u1"),
    Paused(by="ann", reason="migration", at=1),
    Repair(kind=Kind.MISSED_END, target="shop", what="ended"),
    Spec(
        target="shop",
        repository="https://git.example.com/shop",
        namespace="deploys",
        policies=Policies(),
        manifest={},
        digest="d",
    ),
]


def required(value: Any) -> dict[str, Any]:
    """Its JSON without all that has a default: as a version has stored it that knew no more."""
    fields = msgspec.structs.fields(type(value))
    needed = {field.encode_name for field in fields if field.required}
    return {name: each for name, each in fields_of(value).items() if name in needed}


def fields_of(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(msgspec.json.encode(value))
    return found


@pytest.mark.parametrize("value", STORED, ids=lambda value: type(value).__name__)
def test_a_field_that_a_newer_version_has_added_is_ignored(value: msgspec.Struct) -> None:
    newer = json.dumps(fields_of(value) | {"from_the_future": {"any": ["thing"]}})

    assert decode(newer, type(value)) == value


@pytest.mark.parametrize("value", STORED, ids=lambda value: type(value).__name__)
def test_a_field_that_an_older_version_did_not_have_has_its_default(value: msgspec.Struct) -> None:
    assert decode(json.dumps(required(value)), type(value)) == value


def test_policies_of_an_older_version_have_the_defaults_of_this_one() -> None:
    assert decode("{}", Policies) == Policies()


def test_a_process_that_writes_a_deploy_drops_the_fields_that_it_does_not_know() -> None:
    newer = json.dumps(fields_of(DEPLOY) | {"from_the_future": 1})

    assert fields_of(decode(newer, Deploy)) == fields_of(DEPLOY)


def test_a_state_that_a_newer_version_has_added_is_refused() -> None:
    newer = json.dumps(fields_of(DEPLOY) | {"state": "hibernating"})

    with pytest.raises(LedgerCorrupt, match=r"the ledger holds a Deploy that cannot be read"):
        decode(newer, Deploy)
