"""API tokens and the audit log, in a real Redis."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.domain.access import AuditEntry, Role, Token, Verb
from dispatcher.ledger import Audit, Retention, Store, Tokens


@pytest.fixture
def tokens(store: Store) -> Tokens:
    return Tokens(store)


def made(store: Store, name: str = "ci", **more: Any) -> Token:
    return Token(name=name, role=Role.OPERATE, created_at=store.now(), **more)


def test_a_token_is_found_by_what_its_holder_sends_and_kept_nowhere(
    store: Store, tokens: Tokens
) -> None:
    sent = tokens.create(made(store, targets=("shop-*",)))

    assert sent
    assert tokens.find(sent) == tokens.list()[0]
    assert tokens.find(sent + "x") is None
    assert tokens.find("") is None
    assert sent not in str(store.fields(store.keys.tokens))


def test_a_name_is_given_once_while_its_token_is_valid(store: Store, tokens: Tokens) -> None:
    assert tokens.create(made(store))

    assert tokens.create(made(store)) is None
    assert tokens.revoke("ci")
    assert tokens.create(made(store))


def test_an_expired_token_opens_nothing_and_makes_room_for_its_name(
    store: Store, tokens: Tokens
) -> None:
    sent = tokens.create(made(store, expires_at=store.now() - 1))

    assert sent
    assert tokens.find(sent) is None
    assert tokens.create(made(store))
    assert len(tokens.list()) == 1


def test_a_revoked_token_opens_nothing(store: Store, tokens: Tokens) -> None:
    sent = tokens.create(made(store))
    tokens.create(made(store, "other"))

    assert sent
    assert tokens.revoke("ci")
    assert not tokens.revoke("ci")
    assert tokens.find(sent) is None
    assert [each.name for each in tokens.list()] == ["other"]


def test_a_role_includes_those_before_it() -> None:
    assert [Role.OPERATE.includes(role) for role in Role] == [True, True, False]


def record(audit: Audit, number: int, *, outcome: str = "") -> None:
    entry = AuditEntry(
        order=str(number),
        at=number,
        caller="ci",
        address="192.0.2.1",
        verb=Verb.CANCEL,
        subject="shop/1",
        outcome=outcome,
    )
    audit.record(entry)


def test_orders_are_listed_newest_first_with_their_outcomes_page_by_page(store: Store) -> None:
    audit = Audit(store)
    for number in range(5):
        record(audit, number)
        if number != 3:
            record(audit, number, outcome="stopping")

    first, go_on = audit.orders("", 2)
    second, further = audit.orders(go_on, 2)
    third, end = audit.orders(further, 2)

    assert [(each.order, each.outcome) for each in first] == [("4", "stopping"), ("3", "")]
    assert [each.order for each in second + third] == ["2", "1", "0"]
    assert end == ""


def test_the_audit_log_is_bounded(store: Store) -> None:
    store.retention = Retention(audit=10)
    for number in range(300):
        record(Audit(store), number)

    assert store.client.xlen(store.keys.audit) <= 10 + 100
