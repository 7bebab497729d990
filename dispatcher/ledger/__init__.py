"""The ledger: what is wanted, what was seen, what became of it. The only code that talks to Redis."""

from dispatcher.ledger.connection import check_writes, connect
from dispatcher.ledger.contact import Contact, Lost
from dispatcher.ledger.keys import Keys
from dispatcher.ledger.ledger import Ledger, check_transition
from dispatcher.ledger.limits import Limits
from dispatcher.ledger.operations import Operations, Told
from dispatcher.ledger.pauses import Pauses, read_pauses
from dispatcher.ledger.places import NoPlace, Places
from dispatcher.ledger.publishing import Publisher
from dispatcher.ledger.reading import Reader, Row, TargetView
from dispatcher.ledger.redeployment import Missing, Redeploy, Redeployed
from dispatcher.ledger.renaming import Moved, Present, Rename, Renaming
from dispatcher.ledger.repairs import Kind, Repair, Repairs
from dispatcher.ledger.snapshot import Lead, Leased, Paused, Recorded, Snapshot
from dispatcher.ledger.submission import Submission
from dispatcher.ledger.submitter import Submitter
from dispatcher.ledger.wakeups import WakeUp, WakeUps

__all__ = [
    "Contact",
    "Keys",
    "Kind",
    "Lead",
    "Leased",
    "Ledger",
    "Limits",
    "Lost",
    "Missing",
    "Moved",
    "NoPlace",
    "Operations",
    "Paused",
    "Pauses",
    "Places",
    "Present",
    "Publisher",
    "Reader",
    "Recorded",
    "Redeploy",
    "Redeployed",
    "Rename",
    "Renaming",
    "Repair",
    "Repairs",
    "Row",
    "Snapshot",
    "Submission",
    "Submitter",
    "TargetView",
    "Told",
    "WakeUp",
    "WakeUps",
    "check_transition",
    "check_writes",
    "connect",
    "read_pauses",
]
