"""Stress studies as pages show them: the shocks in words, and the report as tables."""

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from common.quantities import MICRO, ppm, with_unit
from portal.charts.chart import Chart
from portal.queries.rules import market_zone, zone_by_market
from portal.queries.runs import RunSummary
from portal.study_tables import Table, tables
from portal.sweep_view import grid_of, sentences, sweep_chart
from settlement.runs.run import Run
from settlement.runs.store import find_run
from settlement.studies import store
from settlement.studies.overlay import (
    DemandSurge,
    FuelPrice,
    LineOutage,
    Outage,
    Overlay,
    PriceResponse,
    Shock,
    TimedShock,
    WindDrought,
)
from settlement.studies.records import Study


@dataclass(frozen=True)
class StudySummary:
    """One row of the list of studies."""

    summary: RunSummary
    title: str
    reason: str


class LoopView(NamedTuple):
    """Where the loop of a study settles: the hour that stands, a picture, and what it says."""

    start: dt.datetime
    products: str
    stated: str
    chart: Chart
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class StudyPage:
    """A study with its shocks in words and its tables; `before` is the run without the shocks."""

    summary: StudySummary
    before: Run
    shocks: tuple[str, ...]
    tables: tuple[Table, ...]
    loop: LoopView | None


def list_studies(session: Session) -> list[StudySummary]:
    """Return all studies, latest first."""
    found = store.list_studies(session)
    zones = zone_by_market(session, (run.market for run, _ in found))
    return [_summary(run, study, zones[run.market]) for run, study in found]


def study_page(session: Session, run_id: uuid.UUID) -> StudyPage | None:
    """Return a study, or None when the run has none."""
    run, study = find_run(session, run_id), store.find_study(session, run_id)
    before = study and find_run(session, study.before_run_id)
    if run is None or study is None or not before:
        return None
    overlay = Overlay.model_validate(study.overlay)
    return StudyPage(
        _summary(run, study, market_zone(session, run.market)),
        before,
        tuple(shock_in_words(shock, study.report["currency"]) for _, shock in overlay.shocks),
        tuple(tables(study.report)),
        _loop(study.report.get("loop")),
    )


def _loop(loop: Mapping[str, Any] | None) -> LoopView | None:
    if loop is None:
        return None
    grid = grid_of(loop)
    return LoopView(
        dt.datetime.fromisoformat(loop["start"]),
        _listed(tuple(loop["products"])),
        ppm(loop["stated_response_ppm_per_unit"]),
        sweep_chart("Where the loop settles", grid),
        tuple(sentences(grid)),
    )


def shock_in_words(shock: Shock, currency: str) -> str:
    """Return a shock as a sentence.

    >>> shock_in_words(Outage(units=("G17",), from_time="16:00", to_time="21:00"), "GBP")
    'G17 loses 100\\xa0% of its available power, from 16:00 to 21:00, on every day.'
    """
    return ", ".join([_effect_in_words(shock, currency), *_times_in_words(shock)]) + "."


def _effect_in_words(shock: Shock, currency: str) -> str:
    match shock:
        case Outage():
            verb = "loses" if len(shock.units) == 1 else "lose"
            whose = "its" if len(shock.units) == 1 else "their"
            return f"{_listed(shock.units)} {verb} {ppm(shock.lost_ppm)} of {whose} available power"
        case WindDrought():
            return f"{ppm(shock.left_ppm)} of available {_listed(shock.technologies)} power is left"
        case DemandSurge():
            what = f"Demand of {_listed(shock.products)}" if shock.products else "All demand"
            where = f" at {_listed(shock.nodes)}" if shock.nodes else ""
            return f"{what}{where} is {ppm(shock.factor_ppm)} of what it was"
        case FuelPrice():
            added = with_unit(shock.added_micro_per_mwh, "micro per MWh", currency)
            more = f", and {added} more" if shock.added_micro_per_mwh else ""
            named = _listed((*shock.technologies, *shock.units))
            return f"Offers of {named} are {ppm(shock.factor_ppm)} of what they were{more}"
        case LineOutage():
            return f"{ppm(shock.left_ppm)} of the rating of {_listed(shock.lines)} is left"
        case PriceResponse():
            reference = with_unit(shock.reference_price_micro_per_mwh, "micro per MWh", currency)
            unit = with_unit(MICRO, "micro per MWh", currency)
            return (
                f"Flexible demand of {_listed(shock.products)} waits: "
                f"{ppm(shock.response_ppm_per_unit)} of it for each {unit} by which the price of "
                f"the interval before exceeds {reference}, at most {ppm(shock.most_moved_ppm)} "
                f"(assumed: {shock.assumption})"
            )
    raise TypeError(f"no words for {type(shock)}")


def _times_in_words(shock: Shock) -> Iterator[str]:
    if isinstance(shock, TimedShock) and (shock.from_time, shock.to_time) != ("00:00", "24:00"):
        yield f"from {shock.from_time} to {shock.to_time}"
    if shock.first_day or shock.last_day:
        begins = f"from {shock.first_day}" if shock.first_day else "from the first day"
        yield f"{begins} to {shock.last_day}" if shock.last_day else begins
    else:
        yield "on every day"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]


def _summary(run: Run, study: Study, zone: str) -> StudySummary:
    return StudySummary(RunSummary(run, zone), study.overlay["title"], study.overlay["reason"])
