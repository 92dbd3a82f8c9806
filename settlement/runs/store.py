"""Runs and results in PostgreSQL; every function receives the caller's session."""

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from database.bulk import read_rows, write_rows
from database.paged import PagedRows
from ledger.journal import STUDY
from ledger.tables import Journal, Posting
from settlement.runs.results import ResultVector, day_digest
from settlement.runs.run import Pin, Run
from settlement.tables import ResultRow, RunRow

RESULT_TYPES = {
    "run_id": "uuid",
    "settlement_day": "date",
    "measure": "text",
    "entity": "text",
    "values": "int8[]",
    "digest": "bytea",
}
VECTOR_QUERY = "SELECT settlement_day, measure, entity, values, digest FROM settlement.result"
ENDINGS_QUERY = """
SELECT settlement_day, measure, entity,
       CASE WHEN measure LIKE ANY (%(patterns)s::text[]) THEN values END AS values, digest
  FROM settlement.result WHERE run_id = %(run_id)s AND settlement_day = %(day)s
 ORDER BY measure COLLATE "C", entity COLLATE "C"
"""
VECTOR_ORDER = 'ORDER BY settlement_day, measure COLLATE "C", entity COLLATE "C"'


def append_results(session: Session, run_id: uuid.UUID, vectors: Sequence[ResultVector]) -> None:
    """Append result vectors of a run; its row may follow within the transaction."""
    rows = (
        (run_id, vector.day, vector.measure, vector.entity, vector.values, vector.digest)
        for vector in vectors
    )
    write_rows(session, "settlement.result", RESULT_TYPES, rows)


def append_run(session: Session, run: Run) -> None:
    """Append the row of a run: the mark that it is complete."""
    session.execute(
        insert(RunRow).values(
            id=run.id,
            market=run.market,
            kind=run.kind,
            first_day=run.first_day,
            last_day=run.last_day,
            known_at=run.known_at,
            pins=[pin.as_json() for pin in run.pins],
            input_digest=run.input_digest,
            engine_version=run.engine_version,
            result_digest=run.result_digest,
            created_at=run.created_at,
            digest=run.digest,
        )
    )


def find_run(session: Session, run_id: uuid.UUID) -> Run | None:
    """Return a run, or None."""
    row = session.get(RunRow, run_id)
    return None if row is None else run_of(row)


def find_equal_run(
    session: Session,
    market: str,
    kind: str,
    first_day: dt.date,
    last_day: dt.date,
    input_digest: bytes,
    engine_version: str,
) -> Run | None:
    """Return the run of the same kind and days that had the same inputs, or None."""
    row = session.scalars(
        select(RunRow)
        .where(
            RunRow.market == market,
            RunRow.kind == kind,
            RunRow.first_day == first_day,
            RunRow.last_day == last_day,
            RunRow.input_digest == input_digest,
            RunRow.engine_version == engine_version,
        )
        .order_by(RunRow.created_at, RunRow.id)
        .limit(1)
    ).first()
    return None if row is None else run_of(row)


def list_runs(session: Session, market: str | None = None) -> PagedRows[Run]:
    """Return runs, latest first; of one market where it is named."""
    query = select(RunRow).order_by(RunRow.created_at.desc(), RunRow.id)
    if market is not None:
        query = query.where(RunRow.market == market)
    return PagedRows(session, query, lambda rows: [run_of(row) for (row,) in rows])


def run_rows(session: Session) -> Iterator[tuple[uuid.UUID, Run | None, bytes]]:
    """Yield every run with the digest stored beside it; None for one whose pins are unreadable."""
    for row in session.scalars(select(RunRow).order_by(RunRow.id)):
        yield row.id, _readable_run(row), row.digest


def posted_runs(session: Session) -> Iterator[tuple[uuid.UUID, Run | None]]:
    """Yield every run that a journal names, in order of posting; None where it is unreadable."""
    numbers = (
        select(Journal.run_id, func.min(Journal.number).label("first_number"))
        .where(Journal.run_id.is_not(None))
        .group_by(Journal.run_id)
        .subquery()
    )
    query = select(RunRow).join(numbers, numbers.c.run_id == RunRow.id)
    for row in session.scalars(query.order_by(numbers.c.first_number)).all():
        yield row.id, _readable_run(row)


def _readable_run(row: RunRow) -> Run | None:
    try:
        return run_of(row)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def run_of(row: RunRow) -> Run:
    """Return a stored row as a run."""
    return Run(
        id=row.id,
        market=row.market,
        kind=row.kind,
        first_day=row.first_day,
        last_day=row.last_day,
        known_at=row.known_at,
        pins=tuple(Pin.from_json(pin) for pin in row.pins),
        input_digest=row.input_digest,
        engine_version=row.engine_version,
        result_digest=row.result_digest,
        created_at=row.created_at,
    )


def day_vectors(session: Session, run_id: uuid.UUID, day: dt.date) -> list[ResultVector]:
    """Return the vectors of one day of a run, ordered by measure and entity, as stored."""
    query = f"{VECTOR_QUERY} WHERE run_id = %(run_id)s AND settlement_day = %(day)s {VECTOR_ORDER}"
    return _vectors(session, query, {"run_id": run_id, "day": day})


def day_digest_and_vectors(
    session: Session, run_id: uuid.UUID, day: dt.date, endings: Sequence[str]
) -> tuple[bytes, list[ResultVector]]:
    """Return a day's digest, and its vectors whose measure has one of the endings.

    Both as stored, and in one reading; the digest is that of all vectors of the day.
    """
    patterns = ["%" + ending.replace("_", r"\_") for ending in endings]
    rows = read_rows(session, ENDINGS_QUERY, {"run_id": run_id, "day": day, "patterns": patterns})
    chosen = [ResultVector(*row) for row in rows if row[3] is not None]
    return day_digest(row[4] for row in rows), chosen


def series(
    session: Session, run_id: uuid.UUID, measures: Iterable[str], entity: str | None = None
) -> list[ResultVector]:
    """Return every day of some measures of a run; of one entity where it is named."""
    chosen = " AND entity = %(entity)s" if entity is not None else ""
    query = (
        f"{VECTOR_QUERY} WHERE run_id = %(run_id)s AND measure = ANY(%(measures)s){chosen} "
        f"{VECTOR_ORDER}"
    )
    params = {"run_id": run_id, "measures": list(measures), "entity": entity}
    return _vectors(session, query, params)


def _vectors(session: Session, query: str, params: Mapping[str, object]) -> list[ResultVector]:
    return [ResultVector(*row) for row in read_rows(session, query, params)]


def settled_months(session: Session) -> dict[str, tuple[dt.date, dt.date]]:
    """Return by market the month of the latest day that a run settled, up to that day."""
    latest = (
        select(RunRow.market, func.max(RunRow.last_day))
        .where(RunRow.kind != STUDY)
        .group_by(RunRow.market)
        .order_by(RunRow.market)
    )
    return {market: (day.replace(day=1), day) for market, day in session.execute(latest)}


def stored_values(vectors: Sequence[ResultVector]) -> dict[tuple[str, str], np.ndarray]:
    """Return the values of one day's vectors by measure and entity."""
    return {(vector.measure, vector.entity): vector.values for vector in vectors}


def days_outside(session: Session, run: Run) -> list[dt.date]:
    """Return the days of results that are stored for a run but are not its days."""
    return list(
        session.scalars(
            select(ResultRow.settlement_day)
            .where(
                ResultRow.run_id == run.id,
                ~ResultRow.settlement_day.between(run.first_day, run.last_day),
            )
            .distinct()
        )
    )


def orphan_result_runs(session: Session) -> list[uuid.UUID]:
    """Return the runs that results name but that are not there."""
    known = select(RunRow.id).where(RunRow.id == ResultRow.run_id).exists()
    return list(session.scalars(select(ResultRow.run_id).where(~known).distinct()))


def runs_of_month(session: Session, market: str, month: dt.date) -> list[Run]:
    """Return the runs with a journal of a settlement day of the month, in order of posting."""
    following = (month + dt.timedelta(days=32)).replace(day=1)
    posted = (
        select(Journal.run_id, func.max(Journal.number).label("last_number"))
        .where(
            Journal.market == market,
            Journal.settlement_day >= month,
            Journal.settlement_day < following,
        )
        .group_by(Journal.run_id)
        .subquery()
    )
    query = select(RunRow).join(posted, posted.c.run_id == RunRow.id).order_by(posted.c.last_number)
    return [run_of(row) for row in session.scalars(query)]


def posted_days(
    session: Session, market: str, month: dt.date
) -> list[tuple[dt.date, int, uuid.UUID]]:
    """Return settlement day, journal number and run of what is posted for a month, in order."""
    following = (month + dt.timedelta(days=32)).replace(day=1)
    query = (
        select(Journal.settlement_day, Journal.number, Journal.run_id)
        .where(
            Journal.market == market,
            Journal.run_id.is_not(None),
            Journal.settlement_day >= month,
            Journal.settlement_day < following,
        )
        .order_by(Journal.number)
    )
    return [(day, number, run) for day, number, run in session.execute(query) if day and run]


def posted_amounts(
    session: Session, account: str, after: int, up_to: int
) -> dict[tuple[dt.date, uuid.UUID], int]:
    """Return what runs posted to an account, by settlement day and run.

    Args:
        account: the account's code.
        after, up_to: numbers of journals; those above `after` up to and with `up_to` count.
    """
    query = (
        select(Journal.settlement_day, Journal.run_id, Posting.amount)
        .join(Posting, Posting.journal_number == Journal.number)
        .where(
            Posting.account == account,
            Journal.run_id.is_not(None),
            Journal.number > after,
            Journal.number <= up_to,
        )
        .order_by(Journal.settlement_day, Journal.number)
    )
    return {
        (day, run_id): amount for day, run_id, amount in session.execute(query) if day and run_id
    }


def latest_posted_run(session: Session, market: str, day: dt.date, up_to: int) -> Run | None:
    """Return the run whose journal of a day is the latest up to and with a journal number."""
    query = (
        select(RunRow)
        .join(Journal, Journal.run_id == RunRow.id)
        .where(Journal.market == market, Journal.settlement_day == day, Journal.number <= up_to)
        .order_by(Journal.number.desc())
        .limit(1)
    )
    row = session.scalars(query).first()
    return None if row is None else run_of(row)
