"""The report of a study from the stored results of its two runs."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from rulebook.resolve import RuleSet
from settlement.baselines.tariffs import price_bounds
from settlement.meters.terms import ruled_days
from settlement.rules.compile import compile_grid
from settlement.rules.register import register_of
from settlement.runs import store
from settlement.runs.pinned import pinned_periods
from settlement.runs.run import Run
from settlement.studies.loop_report import loop_report
from settlement.studies.overlay import Overlay
from settlement.studies.report import FORMAT, Figures, StudyDay, compare_figures
from settlement.studies.shocks import overlaid_periods
from settlement.studies.store import find_study

Progress = Callable[[int, int], None]


def study_report(
    session: Session, before: Run, after: Run, overlay: Overlay, progress: Progress
) -> dict[str, Any]:
    """Return the report on two stored runs of the same days and the same published law.

    Args:
        overlay: of the run after; offers are those that it leaves.

    Raises:
        KeyError: an earlier release made a run, and stored nothing of other designs.
    """
    periods = pinned_periods(session, after)
    law, overlaid = (dict(ruled_days(overlaid_periods(periods, each))) for each in (None, overlay))
    figures = Figures(), Figures()
    for done, day in enumerate(after.days, start=1):
        for run, sums, rules in zip((before, after), figures, (law, overlaid), strict=True):
            sums.add(_study_day(session, run, day, rules[day]))
        progress(done, len(after.days))
    for sums in figures:
        sums.close()
    report = compare_figures(law[after.last_day].market_rules.currency, *figures)
    loop = loop_report(session, after, overlay, overlaid)
    return report if loop is None else report | {"loop": loop}


def report_difference(session: Session, run: Run) -> str | None:
    """Return in words whether a stored report is not the one of its runs; None where it is."""
    found = find_study(session, run.id)
    before = found and store.find_run(session, found.before_run_id)
    if not found or not before:
        return None
    if found.report.get("format") != FORMAT:
        return f"settlement.study {run.id}: its report is not one of this release"
    overlay = Overlay.model_validate(found.overlay)
    if study_report(session, before, run, overlay, lambda *_: None) == found.report:
        return None
    return f"settlement.study {run.id}: stored and recomputed reports differ"


def _study_day(session: Session, run: Run, day: dt.date, rules: RuleSet) -> StudyDay:
    return StudyDay(
        day,
        register_of(rules.registrations),
        compile_grid(rules.grid_model).nodes,
        price_bounds(rules.market_rules),
        store.stored_values(store.day_vectors(session, run.id, day)),
    )
