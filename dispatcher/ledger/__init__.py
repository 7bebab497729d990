"""The ledger: desired and observed state of targets, and what became of each push. Only it talks to Redis."""

from dispatcher.ledger.audit import Audit
from dispatcher.ledger.commits import Commits
from dispatcher.ledger.connection import RoundTrip, check_writes, connect
from dispatcher.ledger.delivery_log import DeliveryLog, LogBounds, LogEntry, LoggedDelivery
from dispatcher.ledger.deploy_index import POSITION, DeployIndex, IndexedDeploy
from dispatcher.ledger.events import BEGINNING, Events, StreamedEvent
from dispatcher.ledger.facts import TargetFacts, read_facts
from dispatcher.ledger.gauges import Ended, Gauges, LedgerGauges, SlotGauges, TargetGauges
from dispatcher.ledger.keys import Keys
from dispatcher.ledger.leadership import Leadership
from dispatcher.ledger.listings import Listings, RedisRun
from dispatcher.ledger.log_reader import LogReader, RelayedPart
from dispatcher.ledger.notifications import Mail, Notifications, Request, happened_at
from dispatcher.ledger.observations import Observations
from dispatcher.ledger.operations import Operations
from dispatcher.ledger.overview import Glance, Overview, RecentDeploy
from dispatcher.ledger.pauses import Pauses, read_pauses
from dispatcher.ledger.processes import Processes
from dispatcher.ledger.publishing import Publisher
from dispatcher.ledger.queue import Queue, QueuedNumber
from dispatcher.ledger.reader import Reader, TargetView, WholeDeploy
from dispatcher.ledger.redeployment import NoRedeploy, Redeploy, RedeployResult
from dispatcher.ledger.rejections import AuthFailures, RateLimitResult, RateLimits
from dispatcher.ledger.relayed_logs import LogNews, LogRequests, RelayedLogs
from dispatcher.ledger.renaming import Rename, RenameResult, Renaming
from dispatcher.ledger.repairs import Repairs
from dispatcher.ledger.retention import Retention
from dispatcher.ledger.rq_tasks import LeftTask, RqTasks, TakenWakeUp
from dispatcher.ledger.schedule import Schedule
from dispatcher.ledger.secret_usage import SecretUsage
from dispatcher.ledger.server import LedgerServer, read_server
from dispatcher.ledger.sessions import Sessions, SignInFailures
from dispatcher.ledger.slots import NoFreeSlot, Slots
from dispatcher.ledger.store import Store
from dispatcher.ledger.submission import Submission
from dispatcher.ledger.submitter import Submitter
from dispatcher.ledger.summaries import read_summaries
from dispatcher.ledger.targets import Leased, RecordResult, Targets, stored
from dispatcher.ledger.timeouts import Timeouts
from dispatcher.ledger.tokens import Tokens, digest
from dispatcher.ledger.wakeups import LONGEST_TASK, Backlog, WakeUp, WakeUps
from dispatcher.ledger.watcher_health import WatcherHealth, WatchProblem

__all__ = [
    "BEGINNING",
    "LONGEST_TASK",
    "POSITION",
    "Audit",
    "AuthFailures",
    "Backlog",
    "Commits",
    "DeliveryLog",
    "DeployIndex",
    "Ended",
    "Events",
    "Gauges",
    "Glance",
    "IndexedDeploy",
    "Keys",
    "Leadership",
    "Leased",
    "LedgerGauges",
    "LedgerServer",
    "LeftTask",
    "Listings",
    "LogBounds",
    "LogEntry",
    "LogNews",
    "LogReader",
    "LogRequests",
    "LoggedDelivery",
    "Mail",
    "NoFreeSlot",
    "NoRedeploy",
    "Notifications",
    "Observations",
    "Operations",
    "Overview",
    "Pauses",
    "Processes",
    "Publisher",
    "Queue",
    "QueuedNumber",
    "RateLimitResult",
    "RateLimits",
    "Reader",
    "RecentDeploy",
    "RecordResult",
    "Redeploy",
    "RedeployResult",
    "RedisRun",
    "RelayedLogs",
    "RelayedPart",
    "Rename",
    "RenameResult",
    "Renaming",
    "Repairs",
    "Request",
    "Retention",
    "RoundTrip",
    "RqTasks",
    "Schedule",
    "SecretUsage",
    "Sessions",
    "SignInFailures",
    "SlotGauges",
    "Slots",
    "Store",
    "StreamedEvent",
    "Submission",
    "Submitter",
    "TakenWakeUp",
    "TargetFacts",
    "TargetGauges",
    "TargetView",
    "Targets",
    "Timeouts",
    "Tokens",
    "WakeUp",
    "WakeUps",
    "WatchProblem",
    "WatcherHealth",
    "WholeDeploy",
    "check_writes",
    "connect",
    "digest",
    "happened_at",
    "read_facts",
    "read_pauses",
    "read_server",
    "read_summaries",
    "stored",
]
