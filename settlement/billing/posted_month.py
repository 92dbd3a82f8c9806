"""The days of a month as runs posted them, each with the law that its run was pinned to."""

import datetime as dt

from sqlalchemy.orm import Session

from settlement.billing.day_law import DayLaw, PostedDay, PostedMonth
from settlement.runs.pinned import law_read_once, pinned_periods
from settlement.runs.store import posted_days, runs_of_month


def posted_month(session: Session, market: str, billing_month: dt.date) -> PostedMonth:
    """Return what is posted of a month; nothing where no run is."""
    law_of = law_read_once(session)
    rules_of_run = {
        run.id: pinned_periods(session, run, law_of)
        for run in runs_of_month(session, market, billing_month)
    }
    # Many runs share their rules, as they are read once, and so share what is drawn from them.
    shared = {id(rules): rules for of_run in rules_of_run.values() for _, _, rules in of_run}
    laws = {identity: DayLaw(rules) for identity, rules in shared.items()}
    posted = [
        PostedDay(day, number, run_id, laws[id(rules)])
        for day, number, run_id in posted_days(session, market, billing_month)
        for first, last, rules in rules_of_run.get(run_id, ())
        if first <= day <= last
    ]
    return PostedMonth(posted)


def obeyed_versions(
    session: Session, market: str, billing_month: dt.date, up_to: int, instrument: str
) -> dict[dt.date, bytes]:
    """Return by day which version of an instrument the run obeyed that held after a journal.

    It is told by the pins of runs, for who may not read all the law that they obeyed.

    Args:
        session: the caller's session.
        market, billing_month: the days.
        up_to: number of the journal.
        instrument: one that was in force on each day.
    """
    runs = {run.id: run for run in runs_of_month(session, market, billing_month)}
    held = {
        day: runs[run_id]
        for day, number, run_id in posted_days(session, market, billing_month)
        if number <= up_to and run_id in runs
    }
    return {
        day: pin.digest
        for day, run in sorted(held.items())
        for pin in run.law_pins
        if pin.instrument == instrument and pin.first_day <= day <= pin.last_day
    }
