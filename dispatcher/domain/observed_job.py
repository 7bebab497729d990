"""What the watcher saw of a Job and its Pods. Values only.

Times are milliseconds since the epoch, by Redis' clock unless a field says otherwise; 0 is "not yet".
"""

from __future__ import annotations

import msgspec

from dispatcher.domain.cause import CauseKind


class ObservedJob(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The observed state of one Job and its Pods, as the watcher saw it last. Stored as JSON in the ledger."""

    namespace: str
    job: str
    uid: str
    rv: str = ""
    """The Job's resourceVersion."""
    number: int = 0
    token: str = ""
    commit: str = ""
    ref: str = ""
    reserves_name: bool = False
    created_at: int = 0
    """By the API server's clock."""
    wanted_at: int = 0
    """When its commit was asked for, by the ledger's clock; 0 for one that does not say."""
    deleting: bool = False
    gone: bool = False
    outcome: str = ""
    """"", "succeeded" or "failed": the Job's terminal condition."""
    reason: str = ""
    """The terminal condition's."""
    message: str = ""
    timeout: int = 0
    """Seconds that each Pod may take."""
    deadline: int = 0
    """Seconds that the Job may take, all retries and waiting included."""
    cause: CauseKind | None = None
    """Why it does not start, or why it failed; None where neither its Job nor its Pods say."""
    why: str = ""
    """The same in one sentence."""
    retry: bool = False
    """It was the cluster's doing: the deploy runs again."""
    interruptible: bool = True
    """False while the Job or a live Pod of it says so in its annotation."""
    cloning: bool = False
    """The clone runs."""
    preparing: bool = False
    """An init container runs, be it the clone or another."""
    prepared: int = 0
    """Milliseconds that the init containers took that have succeeded, by their node's clock."""
    retried_at: int = 0
    """When its newest Pod was made, where others had failed before; by the API server's clock."""
    started: bool = False
    """A main container of it runs, or has run."""
    live_pods: int = 0
    """Pods that exist and have not ended."""
    pod: str = ""
    """The Pod that tells: the one that failed, else one that waits, else the newest."""
    pod_uid: str = ""
    container: str = ""
    """The container whose log tells why."""
    exit_code: int | None = None

    @property
    def key(self) -> str:
        """Of the Job, as client-go has it; its field in the ledger's hash of Jobs."""
        return f"{self.namespace}/{self.job}"

    @property
    def all_gone(self) -> bool:
        """The Job and its Pods are gone."""
        return self.gone and not self.live_pods
