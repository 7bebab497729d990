"""Which deploy brings a commit to a target: its own, or that of a newer commit of its branch. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dispatcher.domain.deploy import TERMINAL, Reason, State
from dispatcher.domain.refs import short_ref
from dispatcher.http.api.schemas.deploys import DeployInfo

HasHad = Callable[[DeployInfo], bool]
"""Whether a deploy that several pushes were merged into has had the commit."""


def bearer(
    deploys: Sequence[DeployInfo], commit: str, ref: str, has_had: HasHad
) -> DeployInfo | None:
    """The deploy that counts, None if there is none yet. `deploys` are the target's, newest first.

    One that succeeded counts most, then one that has not ended, then the newest.
    """
    own = next((d for d in deploys if _is_of(d, ref) and _has(d, commit, has_had)), None)
    if own is None:
        return None
    these = [d for d in deploys if d.number >= own.number and _is_at_least(d, own)]
    succeeded = [d for d in these if d.state is State.SUCCEEDED]
    is_open = [d for d in reversed(these) if d.state not in TERMINAL]
    return next(iter([*succeeded, *is_open, *these]))


def newest(deploys: Sequence[DeployInfo], ref: str) -> DeployInfo | None:
    """The newest deploy, of that ref if one is named."""
    return next((d for d in deploys if _is_of(d, ref)), None)


def _is_of(deploy: DeployInfo, ref: str) -> bool:
    return ref in ("", deploy.ref, short_ref(deploy.ref))


def _has(deploy: DeployInfo, commit: str, has_had: HasHad) -> bool:
    return deploy.commit == commit or (deploy.merged > 0 and has_had(deploy))


def _is_at_least(deploy: DeployInfo, own: DeployInfo) -> bool:
    """Whether it deploys the same commit or a newer one. A redeploy may go back to an older one."""
    same = deploy.commit == own.commit
    return deploy.ref == own.ref and (same or deploy.reason is not Reason.REDEPLOY)
