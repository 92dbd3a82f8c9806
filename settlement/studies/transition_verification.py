"""Every transition report hashed again, held to the run that it names, and made again."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from settlement.fairness.verification import first_difference
from settlement.runs.pinned import UNREADABLE
from settlement.runs.store import find_run
from settlement.studies.transition import compare_run
from settlement.studies.transition_records import (
    TransitionReport,
    prices_from_json,
    transition_input_digest,
)
from settlement.studies.transition_report import transition_report
from settlement.studies.transition_store import kept_of_days, transition_rows


def verify_transitions(session: Session) -> Iterator[Finding]:
    """Hold every report to its digest, to its run and prices, and to what they come to."""
    seen: set[uuid.UUID] = set()
    for report, stored_digest in transition_rows(session):
        place = f"settlement.transition_report {report.id}"
        if report.id in seen:
            yield damage("transition-twice", place, "the row stands twice")
        seen.add(report.id)
        try:
            if report.digest != stored_digest:
                yield damage("transition-digest", place, "its columns do not give its digest")
            yield from _verify_report(session, report, place)
        except UNREADABLE as unreadable:
            reason = str(unreadable).partition("\n")[0]
            yield damage("transition-report", place, f"it cannot be made again: {reason}")


def _verify_report(session: Session, report: TransitionReport, place: str) -> Iterator[Finding]:
    run = find_run(session, report.run_id)
    days = (report.first_day, report.last_day)
    if (
        run is None
        or run.market != report.market
        or not (run.first_day <= days[0] and days[1] <= run.last_day)
    ):
        words = f"run {report.run_id} did not settle {report.market}, {days[0]} to {days[1]}"
        yield damage("transition-run", place, words)
        return
    if transition_input_digest(run, *days, report.prices) != report.input_digest:
        yield damage("transition-inputs", place, "what it rests on does not give its digest")
    outcome = compare_run(session, run, *days, prices_from_json(report.prices))
    made = transition_report(outcome, _earlier(session, report))
    difference = first_difference(report.report, made)
    if difference is not None:
        yield damage("transition-report", place, f"stored and made again differ: {difference}")


def _earlier(session: Session, report: TransitionReport) -> Mapping[str, Mapping[str, Any]]:
    """Return the reports that one was held to: all before it, and those of its moment it names."""
    found = kept_of_days(session, report.market, report.first_day, report.last_day)
    named = report.report["beside"]
    return {
        str(each.id): each.report
        for each in found
        if each.id != report.id
        and (
            each.created_at < report.created_at
            or (each.created_at == report.created_at and str(each.id) in named)
        )
    }
