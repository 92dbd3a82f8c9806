"""The signature on the log: which key file and which name this installation uses."""

import datetime as dt
import os
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from common.refusals import Refused
from database.embedded import ROOT
from database.outages import first_line
from database.session import transaction
from ledger.log.checkpoints import Published, present_signer, publish_checkpoint
from ledger.log.note import Signer
from ledger.log.store import key_rows, last_checkpoint

KEY_FILE_VARIABLE = "TALLYSTICK_LOG_KEY_FILE"
NAME_VARIABLE = "TALLYSTICK_LOG_NAME"
DEFAULT_NAME = "tallystick.localhost/log"

NOT_SIGNED = "What was done stands, but the log was not signed; manage.py checkpoint signs it"


def log_key_file() -> Path:
    """Return the file of the log's private key."""
    return Path(os.environ.get(KEY_FILE_VARIABLE) or ROOT / "var" / "log_key")


def log_signer(session: Session) -> tuple[Signer, str | None]:
    """Return the log's present signer, and a sentence to print when its key was made just now.

    Raises:
        Refused: the key file is exposed, unreadable, missing or another's.
    """
    path = log_key_file()
    name = os.environ.get(NAME_VARIABLE) or DEFAULT_NAME
    present = present_signer(session, path, name)
    key_notice = (
        f"Made the key that signs the log, in {path}: back it up, and keep it from others.\n"
        f"Its public part, for those who check: {present.signer.key}"
    )
    return present.signer, key_notice if present.is_made else None


def sign_after(now: dt.datetime) -> str | None:
    """Sign what was just committed, in a transaction of its own; return why it was not, if so.

    A checkpoint follows every publication, post and issue. What was done stands whether it can be
    signed or not. A log that has no key yet waits for its first checkpoint, which makes one: a key
    is made where an operator asks for it, and not on whichever machine publishes first.
    """
    try:
        with transaction() as session:
            if key_rows(session):
                sign_log(session, now)
    except Refused as refused:
        return f"{NOT_SIGNED}: {'; '.join(map(str, refused.findings))}"
    except SQLAlchemyError as error:
        return f"{NOT_SIGNED}: {first_line(error)}"
    return None


def sign_daily(now: dt.datetime) -> str | None:
    """Sign the log unless that was done on this day (UTC); return why it was not, if so."""
    try:
        with transaction() as session:
            last = last_checkpoint(session)
    except SQLAlchemyError as error:
        return f"{NOT_SIGNED}: {first_line(error)}"
    if last is None or last.signed_at.astimezone(dt.UTC).date() >= now.astimezone(dt.UTC).date():
        return None
    return sign_after(now)


def sign_log(session: Session, now: dt.datetime) -> tuple[Published, str | None]:
    """Publish a checkpoint of all there is; see `log_signer` for the sentence and the refusals."""
    signer, key_notice = log_signer(session)
    return publish_checkpoint(session, signer, now), key_notice
