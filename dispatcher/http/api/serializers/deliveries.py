"""Deliveries as JSON bodies. Must not contain a secret or a delivery's body. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dispatcher.domain.decision import Decision
from dispatcher.domain.deploy import State
from dispatcher.domain.outcome import Result
from dispatcher.http.api.schemas.deliveries import DeliveryDetail, DeliveryInfo, ResultInfo
from dispatcher.http.api.schemas.times import rfc3339
from dispatcher.ledger import LoggedDelivery
from dispatcher.matching.evaluation import Explanation


def delivery_info(logged: LoggedDelivery) -> DeliveryInfo:
    delivery, replay = logged.delivery, logged.delivery.replay
    return DeliveryInfo(
        id=delivery.id,
        delivery=delivery.delivery_id,
        hook=delivery.hook,
        provider=delivery.provider,
        event=delivery.event,
        received_at=rfc3339(logged.at),
        repository=delivery.repository,
        refs=delivery.refs,
        results=tuple(map(_result, delivery.decisions, logged.results)),
        reason=delivery.reason,
        rejected=delivery.rejected,
        secret=delivery.secret,
        replay_of=replay.of if replay else None,
        by=replay.by if replay else "",
        note=replay.note if replay else "",
    )


def delivery_detail(
    logged: LoggedDelivery,
    states: Mapping[str, State],
    explanations: tuple[Explanation, ...],
    *,
    replayable: bool,
) -> DeliveryDetail:
    info = msgspec.structs.asdict(delivery_info(logged))
    return DeliveryDetail(
        **info,
        headers=dict(logged.delivery.headers),
        body_bytes=logged.delivery.body_bytes,
        replayable=replayable,
        states=dict(states),
        explanations=explanations,
    )


def _result(decision: Decision, result: Result | None) -> ResultInfo:
    return ResultInfo(
        target=decision.target,
        ref=decision.ref,
        commit=decision.commit,
        outcome=result.outcome if result else None,
        deploy=(result.deploy or None) if result else None,
        reason=result.reason if result else "unknown: the ledger did not answer",
    )
