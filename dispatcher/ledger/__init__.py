"""The ledger: what is wanted, what was seen, what became of it. The only code that talks to Redis."""

from dispatcher.ledger.cluster_contact import Contact, Lost
from dispatcher.ledger.connection import check_writes, connect
from dispatcher.ledger.delivery_log import Deliveries, Kept
from dispatcher.ledger.delivery_record import Bounds, Entry, Record, Step, Updated
from dispatcher.ledger.keys import Keys
from dispatcher.ledger.ledger import Answering, Ledger
from dispatcher.ledger.operations import Operations, Told
from dispatcher.ledger.pauses import Pauses, read_pauses
from dispatcher.ledger.publishing import Publisher
from dispatcher.ledger.reader import Reader, TargetView
from dispatcher.ledger.redeployment import Missing, Redeploy, Redeployed
from dispatcher.ledger.rejections import Allowance, Count, Failures
from dispatcher.ledger.renaming import Moved, Rename, Renaming
from dispatcher.ledger.repairs import Repairs
from dispatcher.ledger.retention import Limits
from dispatcher.ledger.secret_usage import Proofs
from dispatcher.ledger.slots import NoPlace, Places
from dispatcher.ledger.snapshot import Lead, Leased, Recorded
from dispatcher.ledger.submission import Slot, Submission
from dispatcher.ledger.submitter import Submitter
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
    "Lead",
    "Leased",
    "Ledger",
    "Limits",
    "Lost",
    "Missing",
    "Moved",
    "NoPlace",
    "Operations",
    "Pauses",
    "Places",
    "Proofs",
    "Publisher",
    "Reader",
    "Record",
    "Recorded",
    "Redeploy",
    "Redeployed",
    "Rename",
    "Renaming",
    "Repairs",
    "Slot",
    "Step",
    "Submission",
    "Submitter",
    "TargetView",
    "Told",
    "Updated",
    "WakeUp",
    "WakeUps",
    "check_writes",
    "connect",
    "read_pauses",
]
