"""JSON bodies about deliveries. Must not contain a secret or a delivery's body."""

from __future__ import annotations

import msgspec

from dispatcher.domain.delivery import RefUpdate
from dispatcher.domain.deploy import State
from dispatcher.domain.outcome import Outcome, Result
from dispatcher.matching.evaluation import Explanation


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
