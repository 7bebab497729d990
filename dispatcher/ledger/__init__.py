"""The ledger: what is wanted, what was seen, what became of it. The only code that talks to Redis."""

from dispatcher.ledger.connection import check_writes, connect
from dispatcher.ledger.contact import Contact, Lost
from dispatcher.ledger.deliveries import Deliveries, Kept
from dispatcher.ledger.failures import Allowance, Count, Failures
from dispatcher.ledger.keys import Keys
from dispatcher.ledger.ledger import Answering, Ledger, check_transition
from dispatcher.ledger.limits import Limits
from dispatcher.ledger.operations import Operations, Told
from dispatcher.ledger.pauses import Pauses, read_pauses
from dispatcher.ledger.places import NoPlace, Places
from dispatcher.ledger.proofs import Proofs
from dispatcher.ledger.publishing import Publisher
from dispatcher.ledger.reading import Reader, Row, TargetView
from dispatcher.ledger.redeployment import Missing, Redeploy, Redeployed
from dispatcher.ledger.renaming import Moved, Present, Rename, Renaming
from dispatcher.ledger.repairs import Kind, Repair, Repairs
from dispatcher.ledger.snapshot import Lead, Leased, Paused, Recorded, Snapshot
from dispatcher.ledger.submission import Slot, Submission
from dispatcher.ledger.submitter import Submitter
from dispatcher.ledger.trail import Bounds, Entry, Record, Step, Updated
from dispatcher.ledger.wakeups import WakeUp, WakeUps

__all__ = [
    "Allowance",
    "Answering",
    "Bounds",
    "Contact",
    "Count",
    "Deliveries",
    "Entry",
    "Failures",
    "Kept",
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
    "Proofs",
    "Publisher",
    "Reader",
    "Record",
    "Recorded",
    "Redeploy",
    "Redeployed",
    "Rename",
    "Renaming",
    "Repair",
    "Repairs",
    "Row",
    "Slot",
    "Snapshot",
    "Step",
    "Submission",
    "Submitter",
    "TargetView",
    "Told",
    "Updated",
    "WakeUp",
    "WakeUps",
    "check_transition",
    "check_writes",
    "connect",
    "read_pauses",
]
