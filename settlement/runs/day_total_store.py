"""Day totals of runs in PostgreSQL; every function receives the caller's session."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.copy import copy_in, copy_out
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
STORED_TYPES = {name: kind for name, kind in DAY_TOTAL_TYPES.items() if name != "run_id"}
STORED_QUERY = (
    "SELECT settlement_day, measure, entity, total_wh, digest FROM settlement.day_total "
    "WHERE run_id = %(run_id)s "
    'ORDER BY settlement_day, measure COLLATE "C", entity COLLATE "C"'
)


def append_day_totals(session: Session, run_id: uuid.UUID, totals: Sequence[DayTotal]) -> None:
    """Append the totals of a day of a run; the run's row may follow within the transaction."""
    columns: dict[str, list[Any]] = {
        "run_id": [run_id] * len(totals),
        "settlement_day": [total.day for total in totals],
        "measure": [total.measure for total in totals],
        "entity": [total.entity for total in totals],
        "total_wh": [total.total_wh for total in totals],
        "digest": [total.digest for total in totals],
    }
    copy_in(session, "settlement.day_total", columns, DAY_TOTAL_TYPES)


def stored_day_totals(session: Session, run_id: uuid.UUID) -> list[tuple[DayTotal, bytes]]:
    """Return every total of a run with the digest stored beside it, in calendar order."""
    columns = copy_out(session, STORED_QUERY, {"run_id": run_id}, STORED_TYPES)
    rows = zip(*(columns[name] for name in STORED_TYPES), strict=True)
    return [(DayTotal(*total), digest) for *total, digest in rows]


def orphan_day_total_runs(session: Session) -> list[uuid.UUID]:
    """Return the runs that day totals name but that are not there."""
    known = select(RunRow.id).where(RunRow.id == DayTotalRow.run_id).exists()
    return list(session.scalars(select(DayTotalRow.run_id).where(~known).distinct()))
