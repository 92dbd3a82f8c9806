"""Day totals of runs in PostgreSQL; every function receives the caller's session."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.bulk import read_rows, write_rows
from settlement.runs.day_totals import DayTotal
from settlement.tables import DayTotalRow, RunRow

DAY_TOTAL_TYPES = {
    "run_id": "uuid",
    "settlement_day": "date",
    "measure": "text",
    "entity": "text",
    "total_wh": "int8",
    "digest": "bytea",
}
STORED_QUERY = (
    "SELECT settlement_day, measure, entity, total_wh, digest FROM settlement.day_total "
    "WHERE run_id = %(run_id)s "
    'ORDER BY settlement_day, measure COLLATE "C", entity COLLATE "C"'
)


def append_day_totals(session: Session, run_id: uuid.UUID, totals: Sequence[DayTotal]) -> None:
    """Append the totals of a day of a run; the run's row may follow within the transaction."""
    rows = (
        (run_id, total.day, total.measure, total.entity, total.total_wh, total.digest)
        for total in totals
    )
    write_rows(session, "settlement.day_total", DAY_TOTAL_TYPES, rows)


def stored_day_totals(session: Session, run_id: uuid.UUID) -> list[tuple[DayTotal, bytes]]:
    """Return every total of a run with the digest stored beside it, in calendar order."""
    rows = read_rows(session, STORED_QUERY, {"run_id": run_id})
    return [(DayTotal(*total), digest) for *total, digest in rows]


def orphan_day_total_runs(session: Session) -> list[uuid.UUID]:
    """Return the runs that day totals name but that are not there."""
    known = select(RunRow.id).where(RunRow.id == DayTotalRow.run_id).exists()
    return list(session.scalars(select(DayTotalRow.run_id).where(~known).distinct()))
