"""The API's JSON bodies about hooks and deliveries, as types that the command line shares. Values only.

Times are RFC 3339 in UTC. Must not contain a secret or a delivery's body.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dispatcher.config import Hook
from dispatcher.domain.delivery import Candidate, RefUpdate
from dispatcher.domain.deploy import State
from dispatcher.domain.outcome import Outcome, Result
from dispatcher.http.api.views import moment
from dispatcher.ledger import LoggedDelivery
from dispatcher.matching.evaluation import Explanation

Counts = Mapping[tuple[str, str], int]


class SecretInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A secret, by where it comes from."""

    source: str
    """`env NAME` or `file PATH`."""
    last_used: str | None = None
    """When it last authenticated a delivery; null for never."""


class HookInfo(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    provider: str
    repositories: tuple[str, ...]
    insecure: bool = False
    secrets: tuple[SecretInfo, ...] = ()
    rejected: dict[str, int] = {}
    """Why requests were not authenticated -> how many there ever were."""


class HookList(msgspec.Struct, frozen=True, kw_only=True):
    hooks: tuple[HookInfo, ...]
    unknown: dict[str, int]
    """The same of requests to hooks that aren't there."""


class ResultInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one push for one target."""

    target: str
    ref: str
    commit: str
    outcome: Outcome | None
    """Null where the ledger's answer is not known."""
    deploy: str | None = None
    reason: str = ""


class DeliveryInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An authenticated delivery."""

    id: str
    """Its own, by which it is shown and replayed."""
    delivery: str
    """The Git host's, which its deploys carry."""
    hook: str
    provider: str
    event: str
    received_at: str | None
    repository: str = ""
    refs: tuple[RefUpdate, ...] = ()
    results: tuple[ResultInfo, ...] = ()
    reason: str = ""
    """Why there are no results."""
    rejected: str = ""
    """The code with which it was rejected although it was authenticated; empty if it was taken."""
    secret: str = ""
    """Where the secret comes from that authenticated it."""
    replay_of: str | None = None
    by: str = ""
    """Who replayed it, and why."""
    note: str = ""


class DeliveryList(msgspec.Struct, frozen=True):
    deliveries: tuple[DeliveryInfo, ...]
    cut: bool = False
    """There are more, that were asked for: the answer would have been too large."""


class DeliveryDetail(DeliveryInfo, frozen=True, kw_only=True):
    """A delivery with all that is known of it."""

    headers: dict[str, str] = {}
    """Those that are logged."""
    body_bytes: int = 0
    replayable: bool = False
    """Its body is stored, and its hook is there."""
    states: dict[str, State] = {}
    """Deploy -> its state now."""
    explanations: tuple[Explanation, ...] = ()
    """What each target of the repository makes of it by the configuration of now."""


class ReplayAnswer(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    """Of the new delivery."""
    replay_of: str
    delivery: str
    results: tuple[Result, ...]
    reason: str = ""
    """Why there are no results."""


def hook_list(hooks: Mapping[str, Hook], used: Counts, rejected: Counts) -> HookList:
    return HookList(
        hooks=tuple(_hook(hook, used, rejected) for hook in hooks.values()),
        unknown=_of("", rejected),
    )


def _hook(hook: Hook, used: Counts, rejected: Counts) -> HookInfo:
    sources = [secret.source for secret in hook.secrets]
    return HookInfo(
        name=hook.name,
        provider=hook.provider,
        repositories=hook.repositories,
        insecure=hook.insecure,
        secrets=tuple(
            SecretInfo(source=source, last_used=moment(used.get((hook.name, source), 0)))
            for source in sources
        ),
        rejected=_of(hook.name, rejected),
    )


def _of(hook: str, counts: Counts) -> dict[str, int]:
    return {why: count for (name, why), count in sorted(counts.items()) if name == hook}


def delivery_info(logged: LoggedDelivery) -> DeliveryInfo:
    delivery, replay = logged.delivery, logged.delivery.replay
    return DeliveryInfo(
        id=delivery.id,
        delivery=delivery.delivery_id,
        hook=delivery.hook,
        provider=delivery.provider,
        event=delivery.event,
        received_at=moment(logged.at),
        repository=delivery.repository,
        refs=delivery.refs,
        results=tuple(map(_result, delivery.candidates, logged.results)),
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


def _result(candidate: Candidate, result: Result | None) -> ResultInfo:
    return ResultInfo(
        target=candidate.target,
        ref=candidate.ref,
        commit=candidate.commit,
        outcome=result.outcome if result else None,
        deploy=(result.deploy or None) if result else None,
        reason=result.reason if result else "unknown: the ledger did not answer",
    )
