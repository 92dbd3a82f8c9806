"""Transition reports in PostgreSQL; every function receives the caller's session."""

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

import ledger.store
from settlement.studies.transition_records import (
    TransitionReport,
    stored_prices,
    transition_input_digest,
)
from settlement.studies.transition_report import transition_report
from settlement.studies.transition_sums import Transition
from settlement.tables import TransitionReportRow


def keep_transition(session: Session, outcome: Transition, *, now: dt.datetime) -> TransitionReport:
    """Store the report of a period unless equal inputs have one, and return what is stored.

    Args:
        now: when it is stored, which is held to the database's clock.
    """
    days = (outcome.first_day, outcome.last_day)
    prices = stored_prices(outcome.prices)
    input_digest = transition_input_digest(outcome.run, *days, prices)
    # Of two at once, the second finds the first: the lock is that of whatever appends a leaf.
    ledger.store.lock(session)
    found = _find_equal(session, outcome.run.market, input_digest)
    if found is not None:
        return found
    earlier = {
        str(each.id): each.report for each in kept_of_days(session, outcome.run.market, *days)
    }
    report = TransitionReport(
        id=uuid.uuid4(),
        market=outcome.run.market,
        run_id=outcome.run.id,
        first_day=outcome.first_day,
        last_day=outcome.last_day,
        prices=prices,
        input_digest=input_digest,
        report=transition_report(outcome, earlier),
        created_at=now,
    )
    session.execute(
        insert(TransitionReportRow).values(
            id=report.id,
            market=report.market,
            run_id=report.run_id,
            first_day=report.first_day,
            last_day=report.last_day,
            prices=report.prices,
            input_digest=report.input_digest,
            report=report.report,
            created_at=report.created_at,
            digest=report.digest,
        )
    )
    return report


def find_transition(session: Session, report_id: uuid.UUID) -> TransitionReport | None:
    """Return a report, or None."""
    row = session.get(TransitionReportRow, report_id)
    return None if row is None else transition_of(row)


def kept_of_days(
    session: Session, market: str, first_day: dt.date, last_day: dt.date
) -> list[TransitionReport]:
    """Return the reports of a market that have any of some days."""
    rows = session.scalars(
        select(TransitionReportRow)
        .where(
            TransitionReportRow.market == market,
            TransitionReportRow.first_day <= last_day,
            TransitionReportRow.last_day >= first_day,
        )
        .order_by(TransitionReportRow.id)
    )
    return [transition_of(row) for row in rows]


def transition_rows(session: Session) -> Iterator[tuple[TransitionReport, bytes]]:
    """Yield every report with the digest stored beside it."""
    for row in session.scalars(select(TransitionReportRow).order_by(TransitionReportRow.id)):
        yield transition_of(row), row.digest


def transition_of(row: Any) -> TransitionReport:
    """Return a stored row as a report."""
    return TransitionReport(
        id=row.id,
        market=row.market,
        run_id=row.run_id,
        first_day=row.first_day,
        last_day=row.last_day,
        prices=row.prices,
        input_digest=row.input_digest,
        report=row.report,
        created_at=row.created_at,
    )


def _find_equal(session: Session, market: str, input_digest: bytes) -> TransitionReport | None:
    row = session.scalars(
        select(TransitionReportRow)
        .where(
            TransitionReportRow.market == market,
            TransitionReportRow.input_digest == input_digest,
        )
        .order_by(TransitionReportRow.created_at, TransitionReportRow.id)
        .limit(1)
    ).first()
    return None if row is None else transition_of(row)
