"""What serves the operations: one object a noun."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.http.api.access import Access
from dispatcher.http.api.commits import RepositoryCommits
from dispatcher.http.api.deliveries import Deliveries
from dispatcher.http.api.deploy_search import DeploySearch
from dispatcher.http.api.deploys import Deploys
from dispatcher.http.api.events import EventLog
from dispatcher.http.api.hooks import ConfiguredHooks
from dispatcher.http.api.logs import DeployLogs
from dispatcher.http.api.notifications import Receivers
from dispatcher.http.api.pauses import Pausing
from dispatcher.http.api.processes import ProcessRoll
from dispatcher.http.api.queue import WaitingDeploys
from dispatcher.http.api.redeploys import Redeploys
from dispatcher.http.api.repairs import RepairLog
from dispatcher.http.api.replays import Replays
from dispatcher.http.api.system import System
from dispatcher.http.api.targets import Targets
from dispatcher.http.health import Health
from dispatcher.http.metrics import Metrics
from dispatcher.http.openapi.endpoint import OpenApi
from dispatcher.http.webhooks.endpoint import Hooks


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """The handlers of all operations."""

    hooks: Hooks
    health: Health
    metrics: Metrics
    document: OpenApi
    targets: Targets
    deploys: Deploys
    deploy_search: DeploySearch
    queue: WaitingDeploys
    commits: RepositoryCommits
    logs: DeployLogs
    redeploys: Redeploys
    events: EventLog
    pauses: Pausing
    processes: ProcessRoll
    system: System
    repairs: RepairLog
    configured_hooks: ConfiguredHooks
    deliveries: Deliveries
    replays: Replays
    access: Access
    receivers: Receivers
