"""The merit-order check of one settlement day of a market, as it is known."""

import datetime as dt

import numpy as np
from sqlalchemy.orm import Session

from rulebook.law import rules_at
from rulebook.resolve import RulePeriod
from settlement.core.periods import interval_starts
from settlement.dispatch.losses import demand_with_losses_wh, with_losses
from settlement.dispatch.market import dispatch_model
from settlement.dispatch.merit_order import MeteredDay, check_merit_order
from settlement.dispatch.power_flow import unserved_by_power_flow_kw
from settlement.dispatch.report import MeritOrderReport
from settlement.rules.compile import compile_rules
from settlement.runs.inputs import run_inputs


def check_merit_order_of_day(
    session: Session, market: str, day: dt.date, *, known: dt.datetime
) -> MeritOrderReport:
    """Check a day's metered generation against merit order.

    Raises:
        Refused: no rules are in force on the day, or a reading of it is missing.
    """
    rules = rules_at(session, market, day, known)
    inputs = run_inputs(session, market, [RulePeriod(day, day, rules)], known)
    compiled = compile_rules(rules)
    readings = inputs.metered(day, compiled)
    reserve_w = readings.reserve_w
    model = dispatch_model(rules)
    demand_wh = np.zeros((model.node_count, readings.demand_wh.shape[1]), dtype=np.int64)
    np.add.at(demand_wh, compiled.supply_point_node, readings.demand_wh)
    metered = MeteredDay(
        units=compiled.units,
        lines=tuple(line.line for line in rules.grid_model.lines),
        generation_wh=readings.generation_wh,
        available_w=readings.available_w,
        reserve_w=np.zeros_like(readings.available_w) if reserve_w is None else reserve_w,
        demand_wh=demand_with_losses_wh(compiled.energy_areas, demand_wh),
    )
    return MeritOrderReport(
        market=market,
        day=day,
        currency=rules.market_rules.currency,
        starts=interval_starts(
            day, rules.market_rules.time_zone, rules.market_rules.interval_minutes
        ),
        merit_order=check_merit_order(with_losses(model, compiled.energy_areas), metered),
        unserved_by_power_flow_kw=unserved_by_power_flow_kw(model, readings.available_w, demand_wh),
    )
