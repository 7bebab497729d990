"""Receivers of notifications as JSON bodies. Must not contain a secret. Pure."""

from __future__ import annotations

from dispatcher.config import Chat, Webhook
from dispatcher.domain.notification import ReceiverState
from dispatcher.http.api.schemas.notifications import ReceiverInfo, ReceiverKind
from dispatcher.http.api.schemas.times import rfc3339


def receiver_info(
    name: str, receiver: Webhook | Chat, state: ReceiverState, behind_since: int
) -> ReceiverInfo:
    """`behind_since` is when the oldest event happened that was not dealt with yet (ms); 0 for none."""
    is_webhook = isinstance(receiver, Webhook)
    return ReceiverInfo(
        name=name,
        kind=ReceiverKind.WEBHOOK if is_webhook else ReceiverKind.CHAT,
        url=receiver.where,
        targets=receiver.targets,
        namespaces=receiver.namespaces,
        events=receiver.events,
        causes=receiver.causes,
        sent=state.sent,
        sent_at=rfc3339(state.sent_at),
        behind_since=rfc3339(behind_since),
        failed_at=rfc3339(state.failed_at),
        error=state.error,
        attempts=state.attempts,
        gap_at=rfc3339(state.gap_at),
        gap=state.gap,
        request=state.request,
        outcome=state.outcome,
    )
