"""API tokens and the audit log. Pure."""

from __future__ import annotations

from datetime import datetime

from dispatcher.commands.formatting import age, plain
from dispatcher.commands.tables.layout import Grid
from dispatcher.http.api.schemas.access import AuditPage, TokenInfo, TokenList


def tokens(found: TokenList, now: datetime) -> Grid:
    table = Grid("NAME", "ROLE", "TARGETS", "AGE", "EXPIRES", "BY", spare=("BY",), cut=("TARGETS",))
    for each in found.tokens:
        targets = ", ".join(each.targets) or "all"
        table.add_row(
            each.name,
            each.role,
            plain(targets),
            age(each.created_at, now),
            _expires(each),
            plain(each.created_by),
        )
    return table


def _expires(token: TokenInfo) -> str:
    if token.expired:
        return "expired"
    return token.expires_at[:10] if token.expires_at else "never"


def audit(found: AuditPage, now: datetime) -> Grid:
    names = ("AGE", "TOKEN", "BY", "ADDRESS", "ORDER", "SUBJECT", "OUTCOME", "WHAT")
    table = Grid(*names, spare=("ADDRESS", "BY"), cut=("WHAT",))
    for each in found.orders:
        table.add_row(
            age(each.at, now),
            plain(each.caller),
            plain(each.by),
            plain(each.address),
            each.verb,
            plain(each.subject) or "everything",
            plain(each.outcome) or "unknown",
            plain(each.reason),
        )
    return table
