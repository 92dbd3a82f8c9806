"""Witnesses and their co-signatures in PostgreSQL. The caller opens the transaction."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ledger.log.cosignature import cosigned_at_seconds
from ledger.log.note import MAX_SIGNATURES, Checkpoint, VerifierKey, parse_note
from ledger.log.rows import WITHDRAWN, CheckpointRow, CosignatureRow, WitnessRow
from ledger.log.tables import Cosignature, LogWitness


def witness_rows(session: Session) -> list[tuple[WitnessRow, bytes]]:
    """Return every row of a witness with its stored digest, by number."""
    columns = [LogWitness.__table__.columns[name] for name in (*WitnessRow._fields, "digest")]
    rows = session.execute(select(*columns).order_by(LogWitness.number))
    return [(WitnessRow(*row[:-1]), row[-1]) for row in rows]


def present_witnesses(session: Session) -> list[WitnessRow]:
    """Return the witnesses whose co-signatures are kept: registered and not withdrawn."""
    rows = [row for row, _ in witness_rows(session)]
    withdrawn = {row.public_key for row in rows if row.cause == WITHDRAWN}
    return [row for row in rows if row.public_key not in withdrawn]


def insert_witness(session: Session, row: WitnessRow) -> None:
    """Append a row of a witness."""
    session.execute(insert(LogWitness), [{**row._asdict(), "digest": row.digest}])


def insert_cosignature(session: Session, size: int, number: int, row: CosignatureRow) -> bool:
    """Store a co-signature by the witness of a number; return whether it was not there yet."""
    values = {
        "size": size,
        "witness": number,
        "signed_at": row.signed_at,
        "signature": row.signature,
    }
    statement = insert(Cosignature).values(values).on_conflict_do_nothing()
    return bool(session.execute(statement.returning(Cosignature.number)).all())


def count_cosignatures(session: Session, witness: int, since: datetime, until: datetime) -> int:
    """Return how many co-signatures of a witness are stored from a moment on, up to another."""
    statement = select(func.count()).where(
        Cosignature.witness == witness,
        Cosignature.signed_at > since,
        # Rows of a time to come, which the portal's role could add, keep no witness out.
        Cosignature.signed_at <= until,
    )
    return session.execute(statement).scalar_one()


def cosignatures(session: Session, sizes: Sequence[int] | None = None) -> Iterator[CosignatureRow]:
    """Yield co-signatures, of the checkpoints of some sizes or of all, as they came."""
    statement = _cosignatures().order_by(Cosignature.number)
    if sizes is not None:
        statement = statement.where(Cosignature.size.in_(sizes))
    for size, signed_at, signature, *witness in session.execute(statement):
        yield CosignatureRow(size, WitnessRow(*witness).key, signed_at, signature)


def last_cosignatures(
    session: Session, rows: Sequence[CheckpointRow]
) -> dict[int, list[CosignatureRow]]:
    """Return, by size, the last co-signature of each witness that holds.

    One that does not hold is passed over, or whoever could add a row would hide the genuine one,
    and a note with a line that fails under a known key is refused by those who read it.
    """
    of_size: dict[int, dict[VerifierKey, list[CosignatureRow]]] = {row.size: {} for row in rows}
    for each in cosignatures(session, list(of_size)):
        of_size[each.size].setdefault(each.key, []).append(each)
    found: dict[int, list[CosignatureRow]] = {}
    for row in rows:
        checkpoint = parse_note(row.note).checkpoint
        last = (
            next((each for each in reversed(of_key) if _holds(checkpoint, each)), None)
            for of_key in of_size[row.size].values()
        )
        found[row.size] = [each for each in last if each is not None]
    return found


def _holds(checkpoint: Checkpoint, row: CosignatureRow) -> bool:
    return cosigned_at_seconds(checkpoint, row.line, row.key) is not None


def cosigned_note(session: Session, row: CheckpointRow) -> str:
    """Return the note of a checkpoint with the last co-signature of each witness under it."""
    last = last_cosignatures(session, [row])[row.size]
    room = MAX_SIGNATURES - len(parse_note(row.note).signatures)
    return row.note + "".join(each.line.text for each in last[:room])


def _cosignatures() -> Select[Any]:
    witness = [LogWitness.__table__.columns[name] for name in WitnessRow._fields]
    own = (Cosignature.size, Cosignature.signed_at, Cosignature.signature)
    return select(*own, *witness).join(LogWitness, LogWitness.number == Cosignature.witness)
