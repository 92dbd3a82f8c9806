"""A settled period again, under other designs, from the same inputs."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from ledger.journal import STUDY
from rulebook.resolve import RulePeriod
from settlement.baselines.designs import Design
from settlement.baselines.tariffs import (
    FUEL_MEASURE,
    Placed,
    SolvedDay,
    flat_charges_micro,
    flat_fuel_micro,
    flat_payments_micro,
    flat_price_micro_per_mwh,
    marginal_money,
    placed,
    price_bounds,
    solve_day,
)
from settlement.baselines.totals import Totals, by_name
from settlement.billing.lines import Side, measures_of_designs
from settlement.core.arrays import Integers
from settlement.core.model import DayReadings
from settlement.dispatch.market import dispatch_model
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
    """What a day delivers under the flat tariff, with who answers for it."""

    register: Register
    delivered_wh: Integers


def compare_baselines(
    session: Session, market: str, first_day: dt.date, last_day: dt.date
) -> Baselines:
    """Return what participants paid and were paid in a period, and would have by each baseline.

    The latest run that covers the period says what was settled. Its pinned rules and the readings
    that it knew are the inputs of the baselines, each of which serves by its own rules
    (`settlement.baselines.serving`) and bills that alone (`settlement.baselines.tariffs`).

    Raises:
        Refused: no run covers the period, or its inputs are incomplete.
    """
    run = covering_run(session, market, first_day, last_day)
    totals = Totals()
    days: list[_Day] = []
    for first, last, rules in pinned_periods(session, run):
        period = RulePeriod(max(first, first_day), min(last, last_day), rules)
        if period.first_day <= period.last_day:
            days += _add_period(session, run, period, totals)
    paid_micro = totals.of(Side.PAYMENT, Design.FLAT)
    delivered_wh = [day.delivered_wh for day in days]
    for day, charges in zip(days, flat_charges_micro(paid_micro, delivered_wh), strict=True):
        points = day.register.supply_points
        totals.add_charges(day.register, {Design.FLAT: by_name(points, charges.sum(axis=1))})
    flat_price = flat_price_micro_per_mwh(paid_micro, delivered_wh)
    return Baselines(run, first_day, last_day, totals, flat_price)


def covering_run(session: Session, market: str, first_day: dt.date, last_day: dt.date) -> Run:
    """Return the latest run that settled a period.

    Raises:
        Refused: none covers it.
    """
    for run in store.list_runs(session, market):
        if run.kind != STUDY and run.first_day <= first_day and last_day <= run.last_day:
            return run
    raise Refused(
        [
            Finding(
                "no-run",
                market,
                f"no run settled all days from {first_day} to {last_day}",
                "other designs stand beside what was settled",
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
        solved = solve_day(dispatch, model.supply_point_node, readings, bounds)
        settled = store.day_vectors(session, run.id, day)
        _add_day(totals, register, placed(model), readings, solved, settled)
        days.append(_Day(register, solved.designs.flat.delivered_wh))
    return days


def _add_day(
    totals: Totals,
    register: Register,
    market: Placed,
    readings: DayReadings,
    solved: SolvedDay,
    settled: list[ResultVector],
) -> None:
    money, served = marginal_money(market, solved), solved.designs.served
    units, points = register.units, register.supply_points
    paid = _settled_micro(settled, measures_of_designs(Side.PAYMENT))
    totals.add_units(
        register,
        {Design.SETTLED: readings.generation_wh}
        | {design: each.generation_wh for design, each in served.items()},
        {
            Design.SETTLED: paid,
            Design.FLAT: flat_payments_micro(
                paid,
                _settled_micro(settled, {FUEL_MEASURE}),
                by_name(units, flat_fuel_micro(market, solved).sum(axis=1)),
            ),
        }
        | {
            design: by_name(units, each.payments_micro.sum(axis=1))
            for design, each in money.items()
        },
    )
    totals.add_supply_points(
        register,
        solved.asked_wh,
        {Design.SETTLED: readings.demand_wh}
        | {design: each.delivered_wh for design, each in served.items()},
        {Design.SETTLED: _settled_micro(settled, measures_of_designs(Side.CHARGE))}
        | {
            design: by_name(points, each.charges_micro.sum(axis=1))
            for design, each in money.items()
        },
    )
    for design, each in money.items():
        totals.not_billed_micro[design] += each.not_billed_micro


def _settled_micro(vectors: list[ResultVector], measures: Collection[str]) -> dict[str, int]:
    """Return a day's payments or charges by entity, of some measures together."""
    sums: dict[str, int] = {}
    for vector in vectors:
        if vector.measure in measures:
            sums[vector.entity] = sums.get(vector.entity, 0) + int(vector.values.sum())
    return sums
