"""Fairness reports in PostgreSQL; every function receives the caller's session."""

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

import ledger.store
from database.paged import PagedRows
from settlement.fairness.records import FairnessReport, pin_from_json
from settlement.tables import FairnessReportRow


def append_report(session: Session, report: FairnessReport) -> None:
    """Append a report, complete."""
    session.execute(
        insert(FairnessReportRow).values(
            id=report.id,
            market=report.market,
            first_day=report.first_day,
            last_day=report.last_day,
            pins=report.pins_as_json,
            input_digest=report.input_digest,
            report=report.report,
            created_at=report.created_at,
            digest=report.digest,
        )
    )


def find_report(session: Session, report_id: uuid.UUID) -> FairnessReport | None:
    """Return a report, or None."""
    row = session.get(FairnessReportRow, report_id)
    return None if row is None else report_of(row)


def find_equal_report(
    session: Session, market: str, input_digest: bytes, *, is_locked: bool = False
) -> FairnessReport | None:
    """Return the latest report of a market with the same inputs, or None.

    There are several where other designs could not be solved at first.

    Args:
        is_locked: whether the caller goes on to append one where there is none: it then holds the
            ledger's lock, under which every leaf is appended.
    """
    if is_locked:
        ledger.store.lock(session)
    row = session.scalars(
        select(FairnessReportRow)
        .where(
            FairnessReportRow.market == market,
            FairnessReportRow.input_digest == input_digest,
        )
        .order_by(FairnessReportRow.created_at.desc(), FairnessReportRow.id)
        .limit(1)
    ).first()
    return None if row is None else report_of(row)


def reports_beside(
    session: Session,
    market: str,
    days: tuple[dt.date, dt.date],
    *,
    before: FairnessReport | None = None,
) -> list[FairnessReport]:
    """Return the reports of a market that have any of some days, and those within such a report.

    Args:
        days: first and last.
        before: where given, only those that it was held to: all kept before it, and of its moment
            those that it names.
    """
    row = FairnessReportRow
    query = select(row.id, row.first_day, row.last_day, row.created_at).where(row.market == market)
    kept = [each for each in session.execute(query) if before is None or _is_before(each, before)]
    first, last = days
    sharing = [each for each in kept if each.first_day <= last and each.last_day >= first]
    # Whoever knows of a long report may take others from it, though they share no day with these.
    wholes = [(each.first_day, each.last_day) for each in sharing]
    named = {
        each.id
        for each in kept
        if each in sharing
        or any(low <= each.first_day and each.last_day <= high for low, high in wholes)
    }
    rows = session.scalars(select(row).where(row.id.in_(named)).order_by(row.id))
    return [report_of(each) for each in rows]


def _is_before(kept: Any, report: FairnessReport) -> bool:
    if kept.id == report.id:
        return False
    is_named = str(kept.id) in report.report["beside"]
    return kept.created_at < report.created_at or (
        kept.created_at == report.created_at and is_named
    )


def list_reports(session: Session) -> PagedRows[FairnessReport]:
    """Return every report, latest first."""
    query = select(FairnessReportRow).order_by(
        FairnessReportRow.created_at.desc(), FairnessReportRow.id
    )
    return PagedRows(session, query, lambda rows: [report_of(row) for (row,) in rows])


def report_rows(session: Session) -> Iterator[tuple[uuid.UUID, FairnessReport | None, bytes]]:
    """Yield every report with the digest stored beside it; None for one that cannot be read."""
    for row in session.scalars(select(FairnessReportRow).order_by(FairnessReportRow.id)):
        try:
            report = report_of(row)
        except (ValueError, TypeError, KeyError, AttributeError):
            report = None
        yield row.id, report, row.digest


def report_of(row: Any) -> FairnessReport:
    """Return a stored row as a report."""
    return FairnessReport(
        id=row.id,
        market=row.market,
        first_day=row.first_day,
        last_day=row.last_day,
        pins=tuple(pin_from_json(pin) for pin in row.pins),
        input_digest=row.input_digest,
        report=row.report,
        created_at=row.created_at,
    )
