"""What any stored run was computed from, found again by its pins."""

import datetime as dt

from sqlalchemy.orm import Session

from ledger.journal import STUDY
from rulebook.resolve import RuleSet
from rulebook.service import rule_set_by_digests
from settlement.runs.inputs import RunInputs, run_inputs
from settlement.runs.run import Pin, Run
from settlement.studies.inputs import StudyInputs
from settlement.studies.store import stored_inputs


def pinned_periods(session: Session, run: Run) -> list[tuple[dt.date, dt.date, RuleSet]]:
    """Return the published rules that a run obeyed, period by period."""
    pins: dict[tuple[dt.date, dt.date], list[Pin]] = {}
    for pin in run.law_pins:
        pins.setdefault((pin.first_day, pin.last_day), []).append(pin)
    return [
        (
            first_day,
            last_day,
            rule_set_by_digests(
                session, run.market, {pin.instrument: pin.digest for pin in period_pins}
            ),
        )
        for (first_day, last_day), period_pins in sorted(pins.items())
    ]


def pinned_inputs(session: Session, run: Run) -> RunInputs | StudyInputs:
    """Return the rules and readings of a run, and what a study laid over them.

    Raises:
        Refused: a rule or a reading is not there any more, or a study has lost its overlay.
    """
    known = run_inputs(session, run.market, pinned_periods(session, run), run.known_at)
    return stored_inputs(session, run, known) if run.kind == STUDY else known
