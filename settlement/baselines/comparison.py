"""A settled period again, under other designs, from the same inputs."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from ledger.journal import STUDY
from rulebook.resolve import RulePeriod
from settlement.baselines.tariffs import (
    MarginalDay,
    flat_charges_micro,
    flat_price_micro_per_mwh,
    nodal_day,
    price_bounds,
    uniform_day,
)
from settlement.baselines.totals import Design, Totals, by_name
from settlement.billing.lines import Side, measures_of_designs
from settlement.core.model import DayReadings
from settlement.dispatch.market import dispatch_model
from settlement.dispatch.programme import Integers
from settlement.rules.compile import compile_rules
from settlement.rules.register import Register, register_of
from settlement.runs import store
from settlement.runs.inputs import run_inputs
from settlement.runs.pinned import pinned_periods
from settlement.runs.results import ResultVector
from settlement.runs.run import Run


@dataclass(frozen=True, eq=False)
class Baselines:
    """A period under every design.

    Attributes:
        run: the run that settled it, and whose inputs the baselines use.
        first_day, last_day: the period, both included.
        totals: by participant and product.
        flat_price_micro_per_mwh: of the flat tariff, rounded down.
    """

    run: Run
    first_day: dt.date
    last_day: dt.date
    totals: Totals
    flat_price_micro_per_mwh: int


@dataclass(frozen=True, eq=False)
class _Day:
    """A day's readings with who answers for them."""

    register: Register
    readings: DayReadings


def compare_baselines(
    session: Session, market: str, first_day: dt.date, last_day: dt.date
) -> Baselines:
    """Return what participants paid and were paid in a period, and would have by each baseline.

    The latest run that covers the period says what was settled. Its pinned rules and the readings
    that it knew are the inputs of the baselines. The flat tariff recovers what the run paid, so its
    payments are the run's.

    Raises:
        Refused: no run covers the period, or its inputs are incomplete.
    """
    run = _covering_run(session, market, first_day, last_day)
    totals = Totals()
    days: list[_Day] = []
    for first, last, rules in pinned_periods(session, run):
        period = RulePeriod(max(first, first_day), min(last, last_day), rules)
        if period.first_day <= period.last_day:
            days += _add_period(session, run, period, totals)
    paid_micro = totals.of(Side.PAYMENT, Design.SETTLED)
    demand_wh = [day.readings.demand_wh for day in days]
    for day, charges in zip(days, flat_charges_micro(paid_micro, demand_wh), strict=True):
        points = day.register.supply_points
        totals.add_supply_points(
            day.register, {}, {Design.FLAT: by_name(points, charges.sum(axis=1))}
        )
    flat_price = flat_price_micro_per_mwh(paid_micro, demand_wh)
    return Baselines(run, first_day, last_day, totals, flat_price)


def _covering_run(session: Session, market: str, first_day: dt.date, last_day: dt.date) -> Run:
    for run in store.list_runs(session, market):
        if run.kind != STUDY and run.first_day <= first_day and last_day <= run.last_day:
            return run
    raise Refused(
        [
            Finding(
                "no-run",
                market,
                f"no run settled all days from {first_day} to {last_day}",
                "baselines stand beside what was settled",
                "settle these days in one run, or choose days that one run covers",
            )
        ]
    )


def _add_period(session: Session, run: Run, period: RulePeriod, totals: Totals) -> list[_Day]:
    """Add the days of consecutive days under the same rules; all but the flat charges."""
    rules = period.rules
    inputs = run_inputs(session, run.market, [period], run.known_at)
    register = register_of(rules.registrations)
    model = compile_rules(rules)
    dispatch = dispatch_model(rules)
    bounds = price_bounds(rules.market_rules)
    days = []
    for day in inputs.days:
        readings = inputs.metered(day, model)
        nodal = nodal_day(dispatch, model.supply_point_node, readings, bounds)
        uniform = uniform_day(dispatch, model.supply_point_node, readings, bounds)
        settled = store.day_vectors(session, run.id, day)
        _add_day(
            totals, register, readings, settled, {Design.NODAL: nodal, Design.UNIFORM: uniform}
        )
        days.append(_Day(register, readings))
    return days


def _add_day(
    totals: Totals,
    register: Register,
    readings: DayReadings,
    settled: list[ResultVector],
    marginal: dict[Design, MarginalDay],
) -> None:
    paid, charged = _settled_micro(settled, Side.PAYMENT), _settled_micro(settled, Side.CHARGE)
    units, points = register.units, register.supply_points
    totals.add_units(
        register,
        _day_sums(units, readings.generation_wh),
        {Design.SETTLED: paid, Design.FLAT: paid}
        | {
            design: _day_sums(units, outcome.payments_micro) for design, outcome in marginal.items()
        },
    )
    totals.add_supply_points(
        register,
        _day_sums(points, readings.demand_wh),
        {Design.SETTLED: charged}
        | {
            design: _day_sums(points, outcome.charges_micro) for design, outcome in marginal.items()
        },
    )


def _day_sums(names: Iterable[str], values: Integers) -> dict[str, int]:
    return by_name(names, values.sum(axis=1))


def _settled_micro(vectors: list[ResultVector], side: Side) -> dict[str, int]:
    """Return a day's payments or charges by entity, all components together.

    Pass-through charges are the same under every design, and left out.
    """
    sums: dict[str, int] = {}
    measures = measures_of_designs(side)
    for vector in vectors:
        if vector.measure in measures:
            sums[vector.entity] = sums.get(vector.entity, 0) + int(vector.values.sum())
    return sums
