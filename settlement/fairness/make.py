"""Make the fairness report of a settled period, and keep it.

To make one locks nothing and stores nothing, so whoever settles or posts never waits for it; to
keep one appends a fact.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from settlement.dispatch.solving import DispatchError
from settlement.fairness.intervals import MOST_DAYS_WITH_INTERVALS
from settlement.fairness.posted import LawOfRuns, posted_runs_of, read_day, read_days
from settlement.fairness.priced import BaselineSums
from settlement.fairness.public import public_part
from settlement.fairness.records import FairnessReport, PostedDay, fairness_input_digest, runs_of
from settlement.fairness.report import designs_part, fairness_report
from settlement.fairness.solving import solved_days
from settlement.fairness.store import append_report, find_equal_report, reports_beside
from settlement.fairness.sums import Sums
from settlement.runs.settle import Progress, no_progress


@dataclass(frozen=True)
class FairnessRequest:
    """What a report is asked for: a market's days, both ends included.

    Attributes:
        with_baselines: whether other designs stand beside it, which a solver serves and prices.
    """

    market: str
    first_day: dt.date
    last_day: dt.date
    with_baselines: bool = False


@dataclass(frozen=True, eq=False)
class MadeReport:
    """A report that was made, and the stored one of equal inputs where there is one.

    Attributes:
        input_digest: over what it rests on.
        stored: None where no report of the same results is stored yet.
    """

    market: str
    pins: tuple[PostedDay, ...]
    input_digest: bytes
    report: dict[str, Any]
    stored: FairnessReport | None = None


def make_report(
    session: Session,
    request: FairnessRequest,
    *,
    threads: int = 1,
    progress: Progress = no_progress,
) -> MadeReport:
    """Return the report of a period: the stored one where the same results have one.

    Where it is asked for with other designs, and those of the stored one could not be solved, they
    are tried again; what could be solved now is another report, to be kept after it.

    Args:
        session: the caller's session; nothing is stored.
        threads: days solved at once, at least 1.
        progress: called with (done, total) where other designs are solved.

    Raises:
        Refused: days have no posted run; every range of them is named.
    """
    days = (request.first_day, request.last_day)
    pins, sums, law = read_period(session, request.market, *days)
    kept = _find_kept(session, request, pins)
    if kept is not None and not (request.with_baselines and lacks_designs(kept.report)):
        return _as_made(kept)
    designs = None
    if request.with_baselines:
        designs = _designs(session, law, pins, sums, threads, progress)
    earlier = reports_beside(session, request.market, days)
    report = whole_report(request.market, pins, sums, designs, earlier)
    if kept is not None and lacks_designs(report):
        return _as_made(kept)
    digest = fairness_input_digest(request.market, pins, with_baselines=request.with_baselines)
    return MadeReport(request.market, pins, digest, report)


def _find_kept(
    session: Session, request: FairnessRequest, pins: tuple[PostedDay, ...]
) -> FairnessReport | None:
    """Return the latest kept report of the same results that was asked for as much, or None."""
    # One with other designs says all that one without says.
    for with_baselines in (True,) if request.with_baselines else (True, False):
        digest = fairness_input_digest(request.market, pins, with_baselines=with_baselines)
        found = find_equal_report(session, request.market, digest)
        if found is not None:
            return found
    return None


def _as_made(kept: FairnessReport) -> MadeReport:
    return MadeReport(kept.market, kept.pins, kept.input_digest, kept.report, kept)


def keep_report(session: Session, made: MadeReport, *, now: dt.datetime) -> FairnessReport:
    """Store a report unless equal inputs have one that says as much, and return what is stored.

    Where a later run of a day was posted since it was made, it says of which runs it is, and the
    next one is of the later.

    Args:
        now: when it is stored, which is held to the database's clock.
    """
    # Of two at once, the second finds the first: the lock is that of whatever appends a leaf.
    found = find_equal_report(session, made.market, made.input_digest, is_locked=True)
    if found is not None and (lacks_designs(made.report) or not lacks_designs(found.report)):
        return found
    days = (made.pins[0].day, made.pins[-1].day)
    report = FairnessReport(
        id=uuid.uuid4(),
        market=made.market,
        first_day=days[0],
        last_day=days[1],
        pins=made.pins,
        input_digest=made.input_digest,
        # Others may have been kept since it was made.
        report=held_to(made.report, reports_beside(session, made.market, days)),
        created_at=now,
    )
    append_report(session, report)
    return report


def lacks_designs(report: Mapping[str, Any]) -> bool:
    """Return whether other designs were asked for, and could not be solved."""
    return report["designs"] is not None and "why_not" in report["designs"]


def read_period(
    session: Session, market: str, first_day: dt.date, last_day: dt.date
) -> tuple[tuple[PostedDay, ...], Sums, LawOfRuns]:
    """Return of each day of a period the posted run, what all of them come to, and their law.

    Raises:
        Refused: days have no posted run.
    """
    runs = posted_runs_of(session, market, first_day, last_day)
    law = LawOfRuns(session)
    pins, sums = sums_of(session, law, runs)
    return pins, sums, law


def sums_of(
    session: Session, law: LawOfRuns, runs: Mapping[dt.date, uuid.UUID]
) -> tuple[tuple[PostedDay, ...], Sums]:
    """Return what the days of some runs come to, with the digests of their results.

    Interval by interval, too, where they are no more than `MOST_DAYS_WITH_INTERVALS`.
    """
    has_intervals = len(runs) <= MOST_DAYS_WITH_INTERVALS
    sums, pins = Sums(with_intervals=has_intervals), []
    for pin, fair in read_days(session, law, runs, with_generation=has_intervals):
        pins.append(pin)
        sums.add(fair)
    return tuple(pins), sums


def whole_report(
    market: str,
    pins: tuple[PostedDay, ...],
    sums: Sums,
    designs: dict[str, Any] | None,
    earlier: Sequence[FairnessReport],
) -> dict[str, Any]:
    """Return a report as it is stored: with its runs, and what everybody may know of it.

    Args:
        earlier: kept reports of the market, as the store finds them beside its days.
    """
    days = (pins[0].day, pins[-1].day)
    report = fairness_report(market, days, sums, designs) | {"runs": runs_of(pins)}
    return held_to(report, earlier)


def held_to(report: Mapping[str, Any], earlier: Sequence[FairnessReport]) -> dict[str, Any]:
    """Return a report with what everybody may know of it, who know what earlier ones tell."""
    beside = sorted(str(each.id) for each in earlier)
    if report.get("beside") == beside:
        return dict(report)
    public = public_part(report, [each.report for each in earlier])
    return {**report, "beside": beside, "public": public}


def _designs(
    session: Session,
    law: LawOfRuns,
    pins: tuple[PostedDay, ...],
    sums: Sums,
    threads: int,
    progress: Progress,
) -> dict[str, Any]:
    """Return what other designs come to; why there are none where a day cannot be solved."""
    baselines = BaselineSums(of_served_days=sums.knows_service)
    progress(0, len(pins))
    runs = {pin.day: pin for pin in pins}
    try:
        for done, (day, lawful, solved) in enumerate(
            solved_days(session, law, pins, threads), start=1
        ):
            _, fair = read_day(session, law, runs[day].run_id, day)
            baselines.add(fair, lawful.model, solved)
            progress(done, len(pins))
    except (DispatchError, OverflowError, ValueError) as problem:
        return {"why_not": str(problem)}
    return designs_part(sums, baselines.close())
