"""The signature on the log: which key file and which name this installation uses."""

import datetime as dt
import os
from pathlib import Path

from sqlalchemy.orm import Session

from database.embedded import ROOT
from ledger.log.checkpoints import Published, present_signer, publish_checkpoint
from ledger.log.note import Signer

KEY_FILE_VARIABLE = "TALLYSTICK_LOG_KEY_FILE"
NAME_VARIABLE = "TALLYSTICK_LOG_NAME"
DEFAULT_NAME = "tallystick.localhost/log"


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


def sign_log(session: Session, now: dt.datetime) -> tuple[Published, str | None]:
    """Publish a checkpoint of all there is; see `log_signer` for the sentence and the refusals."""
    signer, key_notice = log_signer(session)
    return publish_checkpoint(session, signer, now), key_notice
