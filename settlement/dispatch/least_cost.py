"""Least-cost dispatch of one day: offers, availability, network and storage, by HiGHS.

Dispatch informs and never settles: it makes the metered generation of a data set, and it is what a
check of merit order compares with. Its arithmetic is in floats; what leaves it is integers again.

The linear programme, per interval of the day (power in MW, energy in MWh inside):

    minimise    offer x generation + penalty x unserved
    node        generation - charging + inflow - outflow + unserved - spilled = demand
    cycle       sum of reactance x flow around each independent cycle = 0      (DC power flow)
    storage     level = level before + efficiency x charging - generation
    bounds      0 <= generation, charging <= availability; flow within the ratings;
                unserved <= demand of the node, spilled <= net export of the node;
                level <= storage, half full before the first and after the last interval

The cycle rows are Kirchhoff's voltage law: the same flows as bus angles give, with fewer columns
(Hörsch et al., "Linear optimal power flow using cycle flows", 2018). A line without reactance
carries whatever flow suits. There is no unit commitment and no ramp limit.

Among units of equal offer the one listed first runs first: each later one is dearer by
`TIE_BREAK_PER_MWH`, far below any difference between real offers.

Each day is solved afresh, by the simplex method on one thread, so that its result does not depend
on the days solved before it.
"""

from dataclasses import dataclass

import numpy as np

from settlement.core.periods import MINUTES_PER_HOUR
from settlement.dispatch.programme import (
    MILLION,
    Block,
    DispatchError,
    DispatchModel,
    Floats,
    Integers,
    programme_of,
    solve,
)

__all__ = ["DayDispatch", "DispatchError", "DispatchModel", "dispatch_day"]


@dataclass(frozen=True)
class DayDispatch:
    """A day's least-cost dispatch, T intervals.

    Attributes:
        generation_wh: int64[U, T], negative when a storage unit charges on balance.
        unserved_wh: int64[N, T], demand that could not be served.
        spilled_wh: int64[N, T], net export of supply points that could not leave their node.
        residual_wh: int64[T], generation + unserved - spilled - demand over the system: what
            rounding to whole Wh leaves, at most one Wh a unit and node.
    """

    generation_wh: Integers
    unserved_wh: Integers
    spilled_wh: Integers
    residual_wh: Integers


def dispatch_day(model: DispatchModel, available_w: Integers, demand_wh: Integers) -> DayDispatch:
    """Return the least-cost dispatch of one day.

    Args:
        model: grid and fleet.
        available_w: int64[U, T], not negative; bounds charging too.
        demand_wh: int64[N, T], metered demand of each node; negative is net export.

    Rounding: to the nearest Wh (half to even), then into the range of the unit, so generation never
    exceeds availability x interval rounded down. 1 MW available over half an hour is at most
    500,000 Wh, whatever the last binary digit of the float says.

    Raises:
        ValueError: shapes differ, availability is negative, or the penalty is below an offer.
        DispatchError: HiGHS found no optimum.
    """
    check_inputs(model, available_w, demand_wh)
    block = Block(model)
    programme = programme_of(model, block, available_w, demand_wh)
    solution = solve(programme).columns.reshape(available_w.shape[1], block.width)
    return _rounded(model, block, solution, available_w, demand_wh)


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
    block: Block,
    solution: Floats,
    available_w: Integers,
    demand_wh: Integers,
) -> DayDispatch:
    wh_per_mw = MILLION * model.interval_minutes / MINUTES_PER_HOUR
    net_mw = solution[:, block.slices["generation"]].T.copy()
    net_mw[block.stores] -= solution[:, block.slices["charging"]].T
    most_wh = available_w * model.interval_minutes // MINUTES_PER_HOUR
    least_wh = np.zeros_like(most_wh)
    least_wh[block.stores] = -most_wh[block.stores]
    generation_wh = np.clip(np.rint(net_mw * wh_per_mw).astype(np.int64), least_wh, most_wh)
    unserved, spilled = (
        np.rint(solution[:, block.slices[name]].T * wh_per_mw).astype(np.int64)
        for name in ("unserved", "spilled")
    )
    return DayDispatch(
        generation_wh=generation_wh,
        unserved_wh=unserved,
        spilled_wh=spilled,
        residual_wh=generation_wh.sum(0) + unserved.sum(0) - spilled.sum(0) - demand_wh.sum(0),
    )
