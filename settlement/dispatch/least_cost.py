"""Least-cost dispatch of one day: offers, availability, network and storage, by HiGHS.

Dispatch informs and never settles: it makes the metered generation of a data set, and it is what a
check of merit order compares with. Its arithmetic is in floats; what leaves it is integers again.

The programme, per interval of a window of days (power in MW, energy in MWh inside):

    minimise    offer x generation + penalty x (unserved + excess)
    node        arriving x (generation - charging) + inflow - outflow
                  + unserved - spilled - excess = demand
    cycle       sum of reactance x flow around each independent cycle = 0      (DC power flow)
    storage     level = level before + efficiency x charging - generation
    minimum     least x on <= generation <= availability x on, where on is 0 or 1
    ramp        generation rises and falls by no more than its limits
    bounds      0 <= generation, charging <= availability; flow within the ratings;
                unserved <= demand of the node, spilled <= net export of the node;
                level <= storage

The cycle rows are Kirchhoff's voltage law: the same flows as bus angles give, with fewer columns
(Hörsch et al., "Linear optimal power flow using cycle flows", 2018). A line without reactance
carries whatever flow suits. Of generation arrives what its area does not lose
(`settlement.dispatch.losses`). Minimum and ramp are those of `settlement.dispatch.limits`; who is
on is chosen by `settlement.dispatch.solving`, within the model's gap of the least that
energy costs.
Starting costs nothing, and no unit stays on or off for a time: the registration states neither.

Excess is what units that cannot fall or stop in time give beyond what anybody takes; it costs as
much as demand that is not served, so it is there only where nothing else is possible.

A day that nothing is known before begins with storage half full, and no ramp limits how its first
interval is reached. A window ends with storage half full again, where it can: with as little less
as can be. `settlement.dispatch.horizon` joins days.

Among units of equal offer the one listed first runs first: each later one is dearer by
`TIE_BREAK_PER_MWH`, far below any difference between real offers.

Equal input gives equal output on any number of threads, and whatever was solved before.
"""

from dataclasses import dataclass

import numpy as np

from settlement.core.periods import MINUTES_PER_HOUR
from settlement.dispatch.block import Block
from settlement.dispatch.model import MILLION, DispatchModel, FleetState, Floats, Integers
from settlement.dispatch.programme import Programme, programme_of
from settlement.dispatch.solving import DispatchError, solve

__all__ = ["DayDispatch", "DispatchError", "DispatchModel", "FleetState", "dispatch_day"]


@dataclass(frozen=True)
class DayDispatch:
    """A day's least-cost dispatch, T intervals.

    Attributes:
        generation_wh: int64[U, T], negative when a storage unit charges on balance.
        unserved_wh: int64[N, T], demand that could not be served.
        spilled_wh: int64[N, T], net export of supply points that could not leave their node.
        excess_wh: int64[N, T], generation that could not be withheld and that nobody takes.
        residual_wh: int64[T], generation + unserved - spilled - excess - demand over the system:
            what rounding to whole Wh leaves, at most one Wh a unit and node.
        after: what the fleet carries into the next day.
    """

    generation_wh: Integers
    unserved_wh: Integers
    spilled_wh: Integers
    excess_wh: Integers
    residual_wh: Integers
    after: FleetState


def dispatch_day(
    model: DispatchModel,
    available_w: Integers,
    demand_wh: Integers,
    before: FleetState | None = None,
    intervals: int | None = None,
) -> DayDispatch:
    """Return the least-cost dispatch of one day.

    Args:
        model: grid and fleet.
        available_w: int64[U, T], not negative; bounds charging too.
        demand_wh: int64[N, T], metered demand of each node; negative is net export.
        before: what the fleet carries into the day; None where that is not known.
        intervals: how many of the T intervals are the day; the others are looked ahead at. None
            for all of them.

    Rounding: to the nearest Wh (half to even), then into the range of the unit, so generation never
    exceeds availability x interval rounded down. 1 MW available over half an hour is at most
    500,000 Wh, whatever the last binary digit of the float says.

    Raises:
        ValueError: shapes differ, availability is negative, or the penalty is below an offer.
        DispatchError: HiGHS found no optimum.
    """
    check_inputs(model, available_w, demand_wh)
    programme = programme_of(model, available_w, demand_wh, before, decided=intervals)
    solution = programme.of_columns(solve(programme).columns)[:intervals]
    return _rounded(
        model, programme, solution, available_w[:, :intervals], demand_wh[:, :intervals]
    )


def check_inputs(model: DispatchModel, available_w: Integers, demand_wh: Integers) -> None:
    """Refuse what no programme can be made of.

    Raises:
        ValueError: shapes differ, availability is negative, or the penalty is below an offer.
    """
    units, nodes = len(model.unit_node), model.node_count
    intervals = available_w.shape[-1]
    if available_w.shape != (units, intervals) or demand_wh.shape != (nodes, intervals):
        raise ValueError(
            f"availability {available_w.shape} and demand {demand_wh.shape} given; "
            f"({units}, T) and ({nodes}, T) needed"
        )
    if available_w.size and available_w.min() < 0:
        raise ValueError(f"availability of {available_w.min()} W; it is not negative")
    if units and model.unserved_micro_per_mwh <= model.offer_micro_per_mwh.max():
        raise ValueError(
            f"penalty of {model.unserved_micro_per_mwh} micro per MWh for unserved demand; "
            f"it must exceed the highest offer, {model.offer_micro_per_mwh.max()}"
        )


def _rounded(
    model: DispatchModel,
    programme: Programme,
    solution: Floats,
    available_w: Integers,
    demand_wh: Integers,
) -> DayDispatch:
    block, wh_per_mw = programme.block, MILLION * model.hours
    net_mw = solution[:, block.columns["generation"]].T.copy()
    net_mw[block.stores] -= solution[:, block.columns["charging"]].T
    most_wh = available_w * model.interval_minutes // MINUTES_PER_HOUR
    least_wh = np.zeros_like(most_wh)
    least_wh[block.stores] = -most_wh[block.stores]
    generation_wh = np.clip(np.rint(net_mw * wh_per_mw).astype(np.int64), least_wh, most_wh)
    unserved, spilled, excess = (
        np.rint(solution[:, block.columns[name]].T * wh_per_mw).astype(np.int64)
        for name in ("unserved", "spilled", "excess")
    )
    return DayDispatch(
        generation_wh=generation_wh,
        unserved_wh=unserved,
        spilled_wh=spilled,
        excess_wh=excess,
        residual_wh=generation_wh.sum(0) + (unserved - spilled - excess - demand_wh).sum(0),
        after=_after(model, block, solution, generation_wh),
    )


def _after(
    model: DispatchModel, block: Block, solution: Floats, generation_wh: Integers
) -> FleetState:
    """Return what the fleet carries on, in whole W and Wh; of a day without intervals nothing."""
    level_wh = model.storage_wh // 2
    power_w = np.zeros_like(level_wh)
    if len(solution):
        level_mwh = solution[-1, block.columns["level"]]
        level_wh[block.stores] = np.rint(level_mwh * MILLION).astype(np.int64)
        power_w = generation_wh[:, -1] * MINUTES_PER_HOUR // model.interval_minutes
    return FleetState(power_w, np.clip(level_wh, 0, model.storage_wh))
