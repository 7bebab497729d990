"""Deliveries, the result of one for each target, and replays. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.table import Table
from rich.text import Text

from dispatcher.commands.formatting import age, count, plain, short
from dispatcher.commands.tables.deploys import STYLES
from dispatcher.commands.tables.layout import Grid, page
from dispatcher.domain.delivery import RefUpdate
from dispatcher.domain.refs import short_ref
from dispatcher.http.api.schemas.deliveries import (
    DeliveryDetail,
    DeliveryInfo,
    ReplayAnswer,
    ResultInfo,
)

WIDE = ("DELIVERY", "PROVIDER", "RECEIVED", "SECRET")


def deliveries(found: Iterable[DeliveryInfo], now: datetime, *, wide: bool = False) -> Grid:
    names = ("ID", "AGE", "HOOK", "EVENT", "REPOSITORY", "REF", "COMMIT", "WHAT")
    spare = ("EVENT", "HOOK", "REF")
    cut = ("REPOSITORY", "WHAT")
    table = Grid(*names, *(WIDE if wide else ()), spare=spare, cut=cut)
    for each in found:
        first = each.refs[0] if each.refs else None
        more = f" +{len(each.refs) - 1}" if len(each.refs) > 1 else ""
        table.add_row(
            each.id,
            age(each.received_at, now),
            each.hook,
            plain(each.event),
            plain(each.repository),
            plain(short_ref(first.ref) + more) if first else "",
            _commit(first, wide) if first else "",
            _what(each),
            *(_wide(each) if wide else ()),
        )
    return table


def _commit(ref: RefUpdate, wide: bool) -> str:
    return plain(ref.after) if wide else short(ref.after)


def _wide(each: DeliveryInfo) -> tuple[str, ...]:
    return plain(each.delivery), each.provider, each.received_at or "", plain(each.secret)


def details(found: DeliveryDetail, now: datetime) -> Table:
    ago = age(found.received_at, now)
    return page(
        [
            ("id", found.id),
            ("delivery", plain(found.delivery)),
            ("hook", f"{found.hook} ({found.provider})"),
            ("event", plain(found.event)),
            ("received", f"{found.received_at} ({ago} ago)"),
            ("repository", plain(found.repository)),
            *(("ref", _moved(each.ref, each.before, each.after)) for each in found.refs),
            ("rejected", plain(found.rejected)),
            ("reason", plain(found.reason)),
            ("secret", plain(found.secret)),
            ("replay of", found.replay_of or ""),
            ("by", plain(found.by)),
            ("note", plain(found.note)),
            *(("header", plain(f"{name}: {value}")) for name, value in found.headers.items()),
            ("body", count(found.body_bytes, "byte") if found.body_bytes else ""),
            ("can be replayed", "yes" if found.replayable else "no"),
        ]
    )


def results(found: DeliveryDetail) -> Grid:
    table = Grid("TARGET", "REF", "OUTCOME", "DEPLOY", "STATE", "WHY", fold=True)
    for each in found.results:
        state = found.states.get(each.deploy or "")
        table.add_row(
            each.target,
            plain(short_ref(each.ref)),
            each.outcome or "unknown",
            each.deploy or "",
            Text(state, STYLES.get(state, "dim")) if state else "",
            plain(each.reason),
        )
    return table


def replayed(answer: ReplayAnswer) -> list[str]:
    """One line for each target."""
    lines = [
        plain(f"{r.target} {short_ref(r.ref)}: {r.outcome} {r.deploy}".rstrip() + f", {r.reason}")
        for r in answer.results
    ]
    return [f"replayed as {answer.id}", *lines] + ([plain(answer.reason)] if answer.reason else [])


def _what(delivery: DeliveryInfo) -> str:
    text = ", ".join(map(_result, delivery.results)) or delivery.reason
    text = f"rejected ({delivery.rejected}): {text}" if delivery.rejected else text
    return plain(f"replay of {delivery.replay_of}: {text}" if delivery.replay_of else text)


def _result(result: ResultInfo) -> str:
    return f"{result.deploy or result.target} {result.outcome or 'unknown'}"


def _moved(ref: str, before: str, after: str) -> str:
    return plain(f"{ref} {short(before)}..{short(after)}" if before else f"{ref} {short(after)}")
