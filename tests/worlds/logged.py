"""A log with tiles, keys and checkpoints for tests: small journals, a checkpoint, a rotation."""

import datetime as dt

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import Session

from ledger.journal import Account, JournalDraft, Posting
from ledger.log.checkpoints import publish_checkpoint, rotate_key
from ledger.log.note import Signer
from ledger.log.store import log_size
from ledger.log.tiles import TILE_WIDTH
from ledger.posting import post_many

LOG_NAME = "tallystick.test/log"
SIGNED = dt.datetime(2024, 3, 1, 14, 0, tzinfo=dt.UTC)
ROTATED = SIGNED + dt.timedelta(hours=1)
IN, OUT = (Account("tiny", "Wh", None, kind, "test") for kind in ("in", "out"))


def signer(number: int) -> Signer:
    """Return one of a few fixed keys."""
    return Signer(LOG_NAME, Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


def small_journals(count: int, first: int = 1) -> list[JournalDraft]:
    """Return journals of two postings each, of no day and no run."""
    return [
        JournalDraft(
            key=f"small:{number}",
            market="tiny",
            settlement_day=None,
            run_id=None,
            run_kind=None,
            reason="a small journal",
            input_digest=number.to_bytes(32, "big"),
            postings=(Posting(IN, number), Posting(OUT, -number)),
        )
        for number in range(first, first + count)
    ]


def fill_log(session: Session) -> None:
    """Sign what is there, grow the log past a full tile, and rotate the key."""
    missing = TILE_WIDTH - log_size(session)
    publish_checkpoint(session, signer(1), SIGNED)
    post_many(session, small_journals(missing), SIGNED)
    publish_checkpoint(session, signer(1), SIGNED)
    rotate_key(session, signer(1), signer(2), ROTATED)
