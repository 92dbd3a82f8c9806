"""What markets online handed over, in PostgreSQL: appended, and read back as known at a moment."""

import datetime as dt
from collections.abc import Iterator

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from settlement.runs.online_days import StoredOnlineDay
from settlement.tables import OnlineDayRow


def append_online_day(session: Session, handed: StoredOnlineDay) -> None:
    """Append a revision; it becomes a leaf of the log."""
    columns = {
        "market": handed.market,
        "settlement_day": handed.day,
        "revision": handed.revision,
        "sequence": handed.sequence,
        "content": handed.content,
        "recorded_at": handed.recorded_at,
        "digest": handed.digest,
    }
    session.execute(insert(OnlineDayRow).values(columns))


def online_days_known_at(
    session: Session, market: str, first_day: dt.date, last_day: dt.date, known_at: dt.datetime
) -> dict[dt.date, StoredOnlineDay]:
    """Return of each day the last revision that was recorded up to a moment, if there is one."""
    query = (
        select(OnlineDayRow)
        .where(
            OnlineDayRow.market == market,
            OnlineDayRow.settlement_day.between(first_day, last_day),
            OnlineDayRow.recorded_at <= known_at,
        )
        .order_by(OnlineDayRow.settlement_day, OnlineDayRow.revision)
    )
    return {row.settlement_day: online_day_of(row) for row in session.scalars(query)}


def every_online_day(session: Session) -> Iterator[tuple[StoredOnlineDay, bytes]]:
    """Yield every revision with the digest that is stored of it, in order of day and revision."""
    query = select(OnlineDayRow).order_by(
        OnlineDayRow.market, OnlineDayRow.settlement_day, OnlineDayRow.revision
    )
    for row in session.scalars(query):
        yield online_day_of(row), row.digest


def online_day_of(row: OnlineDayRow) -> StoredOnlineDay:
    """Return a row as what it says."""
    return StoredOnlineDay(
        row.market, row.settlement_day, row.revision, row.sequence, row.content, row.recorded_at
    )
