"""The witness of a demonstration: it shows how one works, and proves nothing.

It runs on the operator's own machine, by the operator's hand: who can change the log can make it
sign. A folder of its own beside the log's key is all that it has; no network is needed.
"""

import datetime as dt
from pathlib import Path

from sqlalchemy.orm import Session

from common.refusals import Refused
from ledger.log.checkpoints import keep_checkpoint
from ledger.log.note import VerifierKey
from ledger.log.store import checkpoints, key_rows, last_checkpoint
from ledger.log.witness_store import present_witnesses
from ledger.log.witnesses import register_witness, take_cosignatures
from ledger.rules import LedgerRule
from portal.signing import log_key_file
from witness.cosigning import cosign_kept
from witness.folder import Folder, open_folder

NAME = "witness.localhost/demonstration"


def register_demo_witness(session: Session, now: dt.datetime) -> VerifierKey:
    """Register the witness of a log that has a checkpoint, unless that was done; return its key."""
    key = _folder(session).witness.key
    if key not in {row.key for row in present_witnesses(session)}:
        register_witness(session, str(key), now)
    return key


def witness_demo(session: Session, now: dt.datetime) -> None:
    """Let the witness co-sign the last checkpoint, which must be committed: it forgets nothing."""
    last = last_checkpoint(session)
    if last is None:
        raise Refused([LedgerRule.LOG_HAS_NO_CHECKPOINT.finding("log", "no checkpoint")])
    kept = keep_checkpoint(session, last, has_trail=False)
    told = [placed.row.key for placed in key_rows(session)]
    cosigned = cosign_kept(_folder(session), kept, told, now)
    take_cosignatures(session, last.size, cosigned.line.text, now)


def _folder(session: Session) -> Folder:
    # By the log's first checkpoint: a demonstration made anew, with the key that was left, is
    # another log under the same name, and a witness of the one before would call it a fork.
    *_, first = checkpoints(session)
    beside: Path = log_key_file().parent
    return open_folder(beside.joinpath("demonstration-witness", first.digest.hex()[:16]), NAME)
