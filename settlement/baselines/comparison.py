"""A settled period again, under other designs, from the same inputs."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from ledger.journal import STUDY
from rulebook.resolve import RulePeriod
from settlement.baselines.day import DesignDay, SettledMoney
from settlement.baselines.serving import Network, Served
from settlement.baselines.tariffs import placed, price_bounds, solve_day
from settlement.baselines.totals import Totals
from settlement.dispatch.market import dispatch_model
from settlement.rules.compile import compile_rules
from settlement.rules.register import register_of
from settlement.runs import store
from settlement.runs.energy import taken_wh
from settlement.runs.inputs import run_inputs
from settlement.runs.pinned import pinned_periods
from settlement.runs.run import Run


@dataclass(frozen=True, eq=False)
class Baselines:
    """A period under every design.

    Attributes:
        run: the run that settled it, and whose inputs the baselines use.
        first_day, last_day: the period, both included.
        totals: under each design, closed.
    """

    run: Run
    first_day: dt.date
    last_day: dt.date
    totals: Totals


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
    for first, last, rules in pinned_periods(session, run):
        period = RulePeriod(max(first, first_day), min(last, last_day), rules)
        if period.first_day <= period.last_day:
            _add_period(session, run, period, totals)
    totals.close()
    return Baselines(run, first_day, last_day, totals)


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


def _add_period(session: Session, run: Run, period: RulePeriod, totals: Totals) -> None:
    """Add consecutive days under the same rules."""
    rules = period.rules
    inputs = run_inputs(session, run.market, [period], run.known_at)
    register = register_of(rules.registrations)
    model = compile_rules(rules)
    network = Network.of(dispatch_model(rules), model.energy_areas, model.supply_point_node)
    bounds = price_bounds(rules.market_rules)
    for day in inputs.days:
        readings = inputs.metered(day, model)
        results = store.day_vectors(session, run.id, day)
        totals.add(
            DesignDay(
                register,
                tuple(model.grid.nodes),
                placed(model),
                bounds,
                settled=Served(
                    taken_wh(store.stored_values(results), model.supply_points, readings.demand_wh),
                    readings.generation_wh,
                ),
                money=SettledMoney.of((each.measure, each.entity, each.values) for each in results),
                solved=solve_day(network, readings, bounds),
            )
        )
