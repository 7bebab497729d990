"""The ledger: what is wanted, what was seen, what became of it. The only code that talks to Redis."""

from dispatcher.ledger.connection import connect
from dispatcher.ledger.keys import Keys
from dispatcher.ledger.ledger import Ledger, check_transition
from dispatcher.ledger.limits import Limits
from dispatcher.ledger.operations import Operations, Told
from dispatcher.ledger.pauses import Pauses, read_pauses
from dispatcher.ledger.reading import Reader, TargetView
from dispatcher.ledger.snapshot import Lead, Leased, Paused, Recorded, Snapshot
from dispatcher.ledger.submission import Submission
from dispatcher.ledger.submitter import Submitter
from dispatcher.ledger.wakeups import WakeUp, WakeUps

__all__ = [
    "Keys",
    "Lead",
    "Leased",
    "Ledger",
    "Limits",
    "Operations",
    "Paused",
    "Pauses",
    "Reader",
    "Recorded",
    "Snapshot",
    "Submission",
    "Submitter",
    "TargetView",
    "Told",
    "WakeUp",
    "WakeUps",
    "check_transition",
    "connect",
    "read_pauses",
]
