"""A log with tiles, keys and checkpoints for tests: small facts, a checkpoint, a rotation."""

import datetime as dt

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import Session

from ledger.log.checkpoints import publish_checkpoint, rotate_key
from ledger.log.note import Signer
from ledger.log.store import log_size
from ledger.log.tiles import TILE_WIDTH
from ledger.payments.import_file import BankAccount, import_file
from settlement.datasets.bank import Payment, StatementHead, statement_xml
from tests.worlds.banked import PAYER
from tests.worlds.published_runs import publish_runs

LOG_NAME = "tallystick.test/log"
SIGNED = dt.datetime(2024, 3, 1, 14, 0, tzinfo=dt.UTC)
ROTATED = SIGNED + dt.timedelta(hours=1)
LEAVES_OF_A_PAYMENT = 2
"""The decision about it, and the journal that follows."""


def signer(number: int) -> Signer:
    """Return one of a few fixed keys."""
    return Signer(LOG_NAME, Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


def publish_small_facts(session: Session, count: int, first: int = 1) -> None:
    """Grow the log by so many leaves, of runs that hold nothing."""
    numbers = range(first, first + count)
    publish_runs(session, "small", [f"small-{number}" for number in numbers])


def take_payments(session: Session, count: int, now: dt.datetime = SIGNED) -> None:
    """Take in a statement of so many payments of a penny that nobody knows the purpose of."""
    account = BankAccount("small", "GB33BUKB20201555555555", "GBP", {})
    head = StatementHead("SMALL", 1, account.number, "GBP", 0, SIGNED.date())
    paid = [[Payment(1, SIGNED.date(), "Somebody", PAYER, "a penny")] for _ in range(count)]
    content = statement_xml(head, paid)
    import_file(session, account, "small.xml", content, received_by="bea", now=now)


def fill_log(session: Session, signed_at: dt.datetime = SIGNED) -> None:
    """Sign what is there, grow the log past a full tile, and rotate the key an hour later."""
    missing = TILE_WIDTH - log_size(session)
    publish_checkpoint(session, signer(1), signed_at)
    take_payments(session, missing // LEAVES_OF_A_PAYMENT, signed_at)
    publish_checkpoint(session, signer(1), signed_at)
    rotate_key(session, signer(1), signer(2), signed_at + (ROTATED - SIGNED))
