"""Witnesses of the log: registered, withdrawn, and what they co-sign taken in.

A co-signature proves itself, by the witness's key and its own time. That the portal keeps those of
registered witnesses alone is housekeeping, not trust: whoever relies on one has the witness's key
in a policy of their own.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from common.refusals import Refused, shown
from ledger.log import store, witness_store
from ledger.log.cosignature import (
    COSIGNATURE,
    MOMENT,
    cosigned_at_seconds,
    names_key,
)
from ledger.log.note import (
    MalformedNote,
    SignatureLine,
    parse_key,
    parse_note,
    parse_signatures,
)
from ledger.log.rows import REGISTERED, WITHDRAWN, CheckpointRow, CosignatureRow, WitnessRow
from ledger.log.witness_rules import WitnessRule
from ledger.posting import require_zone
from ledger.rules import LedgerRule
from ledger.store import lock

LARGEST_BYTES = 4_000
"""Of the lines that a witness posts: sixteen of them."""

MOST_A_DAY = 48
DAY = timedelta(days=1)
FAST_CLOCK = timedelta(minutes=10)
"""How far ahead the clock of a witness may be."""


def register_witness(session: Session, text: str, now: datetime) -> WitnessRow:
    """Keep the co-signatures of a witness from now on; its row is a leaf of the log.

    Raises:
        Refused: the text is no key of a witness, is a key of the log, or was registered before.
    """
    return _append(session, text, REGISTERED, now)


def withdraw_witness(session: Session, text: str, now: datetime) -> WitnessRow:
    """Keep no more co-signatures of a witness; those that are there stay.

    Raises:
        Refused: the text is no key of a registered witness, or it was withdrawn before.
    """
    return _append(session, text, WITHDRAWN, now)


def take_cosignatures(
    session: Session, size: int, text: str, now: datetime
) -> list[CosignatureRow]:
    """Store the co-signatures of a checkpoint that are by registered witnesses, and return them.

    Lines by others are passed over, as tlog-witness has it; one that is there already changes
    nothing.

    Args:
        session: the caller's session.
        size: of the checkpoint.
        text: lines of signatures, as tlog-witness answers them.
        now: the moment, with its zone.

    Raises:
        Refused: there is no such checkpoint, no line is by a registered witness, or one that is
            does not hold, is not of today, or is too many; nothing is stored.
    """
    require_zone(now)
    checkpoint = store.find_checkpoint(session, size)
    place = f"checkpoint of {size} leaves"
    if checkpoint is None:
        rule = LedgerRule.CHECKPOINT_IS_UNKNOWN
        raise Refused([rule.finding(place, "it was not published")])
    lines = _parsed(text, place)
    registered = witness_store.present_witnesses(session)
    taken = [
        _take(session, checkpoint, line, witness, now)
        for line in lines
        for witness in registered
        if names_key(line, witness.key)
    ]
    if not taken:
        names = ", ".join(f"{shown(line.name)}+{line.key_id.hex()}" for line in lines)
        raise Refused([WitnessRule.WITNESS_IS_UNKNOWN.finding(place, f"lines by {names}")])
    return taken


def _append(session: Session, text: str, cause: str, now: datetime) -> WitnessRow:
    require_zone(now)
    place = f"witness {shown(text)}"
    try:
        key = parse_key(text, COSIGNATURE)
    except MalformedNote as error:
        raise Refused([WitnessRule.WITNESS_KEY_IS_MALFORMED.finding(place, str(error))]) from None
    lock(session)
    of_log = {placed.row.public_key for placed in store.key_rows(session)}
    if key.public_key in of_log:
        rule = WitnessRule.WITNESS_KEY_IS_MALFORMED
        raise Refused([rule.finding(place, "a key of the log itself")])
    rows = [row for row, _ in witness_store.witness_rows(session)]
    said = {row.cause for row in rows if row.public_key == key.public_key}
    if cause in said:
        raise Refused([WitnessRule.WITNESS_IS_KNOWN.finding(place, f"it is {cause} already")])
    if cause == WITHDRAWN and key not in {row.key for row in rows}:
        raise Refused([WitnessRule.WITNESS_IS_UNKNOWN.finding(place, "it was never registered")])
    row = WitnessRow(len(rows) + 1, key.name, key.public_key, cause, now)
    witness_store.insert_witness(session, row)
    return row


def _parsed(text: str, place: str) -> tuple[SignatureLine, ...]:
    try:
        lines = parse_signatures(text)
    except MalformedNote as error:
        raise Refused([WitnessRule.COSIGNATURE_IS_MALFORMED.finding(place, str(error))]) from None
    if len({(line.name, line.key_id) for line in lines}) < len(lines):
        value = "two lines of one key"
        raise Refused([WitnessRule.COSIGNATURE_IS_MALFORMED.finding(place, value)])
    return lines


def _take(
    session: Session,
    checkpoint: CheckpointRow,
    line: SignatureLine,
    witness: WitnessRow,
    now: datetime,
) -> CosignatureRow:
    key = witness.key
    place = f"checkpoint of {checkpoint.size} leaves, co-signed by {key}"
    at_seconds = cosigned_at_seconds(parse_note(checkpoint.note).checkpoint, line, key)
    if at_seconds is None:
        value = "a signature of something else"
        raise Refused([WitnessRule.COSIGNATURE_DOES_NOT_HOLD.finding(place, value)])
    now_seconds = int(now.timestamp())
    earliest, latest = (
        now_seconds - int(DAY.total_seconds()),
        now_seconds + int(FAST_CLOCK.total_seconds()),
    )
    if not earliest <= at_seconds <= latest:
        value = f"the time {at_seconds}, {now_seconds - at_seconds} seconds ago"
        raise Refused([WitnessRule.COSIGNATURE_IS_NOT_OF_TODAY.finding(place, value)])
    signed_at = datetime.fromtimestamp(at_seconds, now.tzinfo)
    row = CosignatureRow(checkpoint.size, key, signed_at, line.signature[MOMENT.size :])
    count = witness_store.count_cosignatures(session, witness.number, now - DAY, now + FAST_CLOCK)
    is_new = witness_store.insert_cosignature(session, checkpoint.size, witness.number, row)
    if is_new and count >= MOST_A_DAY:
        raise Refused([WitnessRule.COSIGNATURES_ARE_TOO_MANY.finding(place, f"{count} of a day")])
    return row
