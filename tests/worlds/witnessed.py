"""Witnesses in the database: registered, and what they co-signed of the last checkpoint."""

import datetime as dt

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.log.cosignature import Witness
from ledger.log.note import parse_note
from ledger.log.store import last_checkpoint
from ledger.log.witnesses import register_witness, take_cosignatures
from tests.worlds.logged import SIGNED

COSIGNED = SIGNED + dt.timedelta(hours=3)


def witness(number: int) -> Witness:
    """Return one of a few witnesses with fixed keys."""
    key = Ed25519PrivateKey.from_private_bytes(bytes([100 + number]) * 32)
    return Witness(f"witness-{number}.test/w", key)


def register_witnesses(session: Session) -> None:
    """Register two of them: two leaves of the log."""
    for number in (1, 2):
        register_witness(session, str(witness(number).key), SIGNED)


def cosign_last(
    session: Session, *numbers: int, at: dt.datetime = COSIGNED, now: dt.datetime | None = None
) -> None:
    """Take in what some of them co-sign of the last checkpoint."""
    checkpoint = parse_note(last_checkpoint(session).note).checkpoint
    lines = [witness(each).cosign(checkpoint, int(at.timestamp())).text for each in numbers]
    take_cosignatures(session, checkpoint.size, "".join(lines), now or at)
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))  # as at the end of the transaction
    session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
