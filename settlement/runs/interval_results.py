"""The results of a run, interval by interval, as they are stored."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from common.refusals import Finding, refuse_any, shown
from settlement.core.periods import interval_starts
from settlement.runs import store
from settlement.runs.pinned import pinned_periods
from settlement.runs.results import ResultVector
from settlement.runs.run import Run

SHOWN_NAMES = 12


@dataclass(frozen=True, eq=False)
class IntervalResults:
    """Day vectors of a run, by day, measure and entity, and where their intervals begin, in UTC."""

    run: Run
    vectors: tuple[ResultVector, ...]
    starts: Mapping[dt.date, tuple[dt.datetime, ...]]


def interval_results(
    session: Session,
    run: Run,
    first_day: dt.date,
    last_day: dt.date,
    measures: Collection[str] = (),
    entities: Collection[str] = (),
) -> IntervalResults:
    """Return the results of some days of a run; of some measures and entities where named.

    Raises:
        Refused: a day is none of the run's, or a name is none of its results.
    """
    rows = session.execute(
        text("SELECT DISTINCT measure, entity FROM settlement.result WHERE run_id = :run_id"),
        {"run_id": run.id},
    ).all()
    known = {"measure": {row.measure for row in rows}, "entity": {row.entity for row in rows}}
    refuse_any(
        (
            *_days_outside(run, first_day, last_day),
            *_unknown_names(run, "measure", measures, known["measure"]),
            *_unknown_names(run, "entity", entities, known["entity"]),
        )
    )
    vectors = [
        vector
        for vector in store.series(session, run.id, sorted(measures or known["measure"]))
        if first_day <= vector.day <= last_day and (not entities or vector.entity in entities)
    ]
    starts = {
        day: interval_starts(day, rules.market_rules.time_zone, rules.market_rules.interval_minutes)
        for first, last, rules in pinned_periods(session, run)
        for day in run.days
        if first <= day <= last and first_day <= day <= last_day
    }
    return IntervalResults(run, tuple(vectors), starts)


def _days_outside(run: Run, first_day: dt.date, last_day: dt.date) -> Iterator[Finding]:
    for day in sorted({first_day, last_day}):
        if not run.first_day <= day <= run.last_day:
            yield Finding(
                "day-not-of-run",
                f"run {run.id}",
                str(day),
                f"it covers {run.first_day} to {run.last_day}",
                "name days of the run",
            )


def _unknown_names(
    run: Run, what: str, wanted: Collection[str], known: Collection[str]
) -> Iterator[Finding]:
    names = sorted(known)
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    for name in wanted:
        if name not in known:
            yield Finding(
                f"no-such-{what}",
                f"run {run.id}",
                shown(name),
                f"its results have {', '.join(names[:SHOWN_NAMES])}{more}",
                f"name one of them, or no {what} at all",
            )
