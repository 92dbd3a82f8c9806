"""The settled days of a period: of each day, the run whose result is posted last, and its law."""

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import text
from sqlalchemy.orm import Session

from common.refusals import Finding, refuse_any
from database.bulk import read_rows
from rulebook.resolve import RulePeriod, RuleSet
from settlement.core.arrays import Integers
from settlement.core.model import MarketModel
from settlement.fairness.facts import MEASURES, DayLaw, FairDay, law_of, values_of_report
from settlement.fairness.records import PostedDay
from settlement.meters.register import GENERATION
from settlement.rules.compile import compile_rules
from settlement.runs import store
from settlement.runs.inputs import completed_readings
from settlement.runs.pinned import LawOf, law_read_once, pinned_periods
from settlement.runs.run import Run

LATEST = text(
    "SELECT DISTINCT ON (settlement_day) settlement_day, run_id FROM ledger.journal "
    "WHERE market = :market AND run_id IS NOT NULL "
    "AND settlement_day BETWEEN :first_day AND :last_day "
    "ORDER BY settlement_day, number DESC"
)
TOTALS = (
    "SELECT measure, entity, total_wh FROM settlement.day_total "
    "WHERE run_id = %(run_id)s AND settlement_day = %(day)s"
)


def days_of(first_day: dt.date, last_day: dt.date) -> list[dt.date]:
    """Return the days of a period, both ends included."""
    count = (last_day - first_day).days + 1
    return [first_day + dt.timedelta(days=offset) for offset in range(count)]


def posted_runs_of(
    session: Session, market: str, first_day: dt.date, last_day: dt.date
) -> dict[dt.date, uuid.UUID]:
    """Return of each day of a period the run that is posted last.

    Raises:
        Refused: some days have none; every range of them is named.
    """
    named = {"market": market, "first_day": first_day, "last_day": last_day}
    found = {row.settlement_day: row.run_id for row in session.execute(LATEST, named)}
    missing = [day for day in days_of(first_day, last_day) if day not in found]
    refuse_any(
        Finding(
            "day-not-posted",
            market,
            str(first) if first == last else f"{first} to {last}",
            "every day of the period has a run that is posted",
            "settle and post these days, or choose days that are posted",
        )
        for first, last in _ranges(missing)
    )
    return found


def _ranges(days: Sequence[dt.date]) -> Iterator[tuple[dt.date, dt.date]]:
    """Yield first and last of consecutive days."""
    first = last = None
    for day in days:
        if last is not None and day == last + dt.timedelta(days=1):
            last = day
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = day
    if first is not None and last is not None:
        yield first, last


@dataclass(frozen=True, eq=False)
class LawfulDay:
    """The law of a day: as documents, compiled, and as a report needs it."""

    rules: RuleSet
    model: MarketModel
    law: DayLaw


class LawOfRuns:
    """The law of days, by the run that settled each; the same rules are compiled once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._law_of: LawOf = law_read_once(session)
        self._runs: dict[uuid.UUID, Run] = {}
        self._made: dict[int, LawfulDay] = {}

    def run(self, run_id: uuid.UUID) -> Run:
        """Return a run.

        Raises:
            LookupError: there is no such run.
        """
        if run_id not in self._runs:
            found = store.find_run(self._session, run_id)
            if found is None:
                raise LookupError(f"no run {run_id}")
            self._runs[run_id] = found
        return self._runs[run_id]

    def periods(self, run_id: uuid.UUID, first_day: dt.date, last_day: dt.date) -> list[RulePeriod]:
        """Return the law that a run obeyed on consecutive days of it."""
        return [
            RulePeriod(max(first, first_day), min(last, last_day), rules)
            for first, last, rules in pinned_periods(self._session, self.run(run_id), self._law_of)
            if first <= last_day and first_day <= last
        ]

    def of(self, run_id: uuid.UUID, day: dt.date) -> LawfulDay:
        """Return the law that a run obeyed on a day.

        Raises:
            LookupError: there is no such run, or the day is none of its days.
            Refused: its law cannot be read.
        """
        for first, last, rules in pinned_periods(self._session, self.run(run_id), self._law_of):
            if first <= day <= last:
                if id(rules) not in self._made:
                    model = compile_rules(rules)
                    self._made[id(rules)] = LawfulDay(rules, model, law_of(rules, model))
                return self._made[id(rules)]
        raise LookupError(f"{day} is no day of run {run_id}")


def read_days(
    session: Session, law: LawOfRuns, runs: Mapping[dt.date, uuid.UUID], *, with_generation: bool
) -> Iterator[tuple[PostedDay, FairDay]]:
    """Yield days as `read_day` does, in order, with what units generated where it is asked for.

    Raises:
        LookupError, Refused: as `LawOfRuns.of`; readings that a run knew are missing.
    """
    # A month of a run at once, as its readings are asked for.
    by_month = groupby(sorted(runs), lambda day: (runs[day], day.year, day.month))
    for (run_id, _, _), of_month in by_month:
        days = list(of_month)
        generated = _generation(session, law, run_id, days) if with_generation else {}
        for day in days:
            yield read_day(session, law, run_id, day, generated.get(day))


def _generation(
    session: Session, law: LawOfRuns, run_id: uuid.UUID, days: Sequence[dt.date]
) -> dict[dt.date, dict[str, Integers]]:
    """Return by day what each unit generated, as its run knew it: shape (T,), in Wh."""
    periods = law.periods(run_id, days[0], days[-1])
    run = law.run(run_id)
    _, completed = completed_readings(session, run.market, periods, run.known_at)
    refuse_any(completed.findings)
    return {
        day: dict(zip(used[GENERATION].entities, used[GENERATION].values, strict=True))
        for day, used in completed.days.items()
    }


def read_day(
    session: Session,
    law: LawOfRuns,
    run_id: uuid.UUID,
    day: dt.date,
    generated_wh: Mapping[str, Integers] | None = None,
) -> tuple[PostedDay, FairDay]:
    """Return a day's stored results and totals, with the digest of all its results.

    Args:
        generated_wh: of each unit by interval, where it is known.

    Raises:
        LookupError, Refused: as `LawOfRuns.of`.
    """
    digest, vectors = store.day_digest_and_vectors(session, run_id, day, MEASURES)
    chosen = values_of_report(vectors)
    rows = read_rows(session, TOTALS, {"run_id": run_id, "day": day})
    totals = {(measure, entity): total for measure, entity, total in rows}
    known_law = law.of(run_id, day).law
    fair = FairDay(day, str(run_id), known_law, chosen, totals, generated_wh or {})
    return PostedDay(day, run_id, digest), fair
