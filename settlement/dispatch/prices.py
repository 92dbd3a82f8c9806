"""Marginal prices of a day: what one more MWh would cost at each node, and without a network.

They come from the programme of `settlement.dispatch.least_cost` for the day alone, with those units
on that are on, and without its tie-break; so a price is an offer, or what offers make of it through
the network, storage and ramps. What it costs to have a unit on at all is in no price, as in the
markets that pay it beside the price.

    nodal price       dual of the node's balance over the hours of the interval: the least cost of
                      one more MWh of demand there; positive where demand costs
    line price        value of one more MW of rating over the interval's hours, positive where the
                      forward rating binds, negative where the reverse rating does
    storage value     worth of one more MWh held by a storage unit at the end of the interval
    uniform price     the nodal price of the same day with all units and demand at one node

Unserved demand costs the penalty of the model (its value of lost load), so scarcity shows as a
price of that height. Where many prices are optimal, as when demand ends just where a unit's
availability does, the one at which HiGHS ends is taken; `settlement.dispatch.programme.solve` fixes
all that its choice depends on.

Prices inform and never settle. They are floats here; `bounded_micro` makes integers of them.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np

from settlement.core.arrays import Flags
from settlement.dispatch.least_cost import check_inputs
from settlement.dispatch.model import MILLION, DispatchModel, FleetState, Floats, Integers
from settlement.dispatch.programme import programme_of
from settlement.dispatch.solving import solve_priced


@dataclass(frozen=True, eq=False)
class DayOptimum:
    """A day's least-cost operation with its prices: U units, N nodes, L lines, T intervals.

    Attributes:
        generation_mw: float[U, T], less what a storage unit takes in.
        flow_mw: float[L, T], positive forward.
        unserved_mw, spilled_mw: float[N, T].
        node_price_per_mwh: float[N, T], in units of the currency, before any cap.
        line_price_per_mwh: float[L, T], sign as above; `line price x flow` is never negative.
        storage_value_per_mwh: float[U, T], 0 for a unit that stores nothing.
        ramp_value_per_mwh: float[U, T], what one more MWh of a unit costs beside its offer, as it
            moves what its ramp allows before and after; 0 for a unit whose ramp does not bind.
        minimum_value_per_mwh: float[U, T], negative for a unit that is held at its minimum, and
            positive for one that is off while the price is above its offer.
        cost: the least cost of the day, unserved demand at the penalty included.
    """

    generation_mw: Floats
    flow_mw: Floats
    unserved_mw: Floats
    spilled_mw: Floats
    node_price_per_mwh: Floats
    line_price_per_mwh: Floats
    storage_value_per_mwh: Floats
    ramp_value_per_mwh: Floats
    minimum_value_per_mwh: Floats
    cost: float


@dataclass(frozen=True, eq=False)
class KnownOperation:
    """What is known of how a day was operated: U units, T intervals.

    Attributes:
        is_on: bool[U, T], which units ran.
        begins_wh, ends_wh: int64[U], what units that store held before and after the day.
    """

    is_on: Flags
    begins_wh: Integers
    ends_wh: Integers


def day_optimum(
    model: DispatchModel,
    available_w: Integers,
    demand_wh: Integers,
    known: KnownOperation | None = None,
) -> DayOptimum:
    """Return the least-cost operation of a day with its prices.

    Other arguments and errors are those of `settlement.dispatch.least_cost.dispatch_day`.

    Args:
        known: what is known of how the day was operated.
    """
    check_inputs(model, available_w, demand_wh)
    before = None if known is None else FleetState(None, known.begins_wh)
    ends_wh = None if known is None else known.ends_wh
    programme = programme_of(model, available_w, demand_wh, before, ends_wh)
    block = programme.block
    is_on = None if known is None else known.is_on[block.committed].T
    solution = solve_priced(programme, is_on)
    columns = programme.of_columns(solution.columns).T
    reduced = programme.of_columns(solution.reduced_costs).T
    rows = programme.of_rows(solution.row_duals).T
    arriving_hours = model.hours * (1 - model.loss_ppm[:, np.newaxis] / MILLION)
    worth = programme.worth_of_limits(solution.row_duals)
    generation = columns[block.columns["generation"]].copy()
    generation[block.stores] -= columns[block.columns["charging"]]
    storage_value = np.zeros_like(generation)
    # The row counts energy in MWh already, and its left side grows with the level.
    storage_value[block.stores] = -rows[block.rows["storage"]]
    return DayOptimum(
        generation_mw=generation,
        flow_mw=columns[block.columns["flow"]],
        unserved_mw=columns[block.columns["unserved"]],
        spilled_mw=columns[block.columns["spilled"]],
        node_price_per_mwh=rows[block.rows["balance"]] / model.hours,
        line_price_per_mwh=-reduced[block.columns["flow"]] / model.hours,
        storage_value_per_mwh=storage_value,
        ramp_value_per_mwh=worth["ramp"] / arriving_hours,
        minimum_value_per_mwh=worth["minimum"] / arriving_hours,
        cost=solution.cost,
    )


def without_network(model: DispatchModel) -> DispatchModel:
    """Return the model with every unit at one node and no line."""
    none = np.zeros(0, dtype=np.int64)
    return dataclasses.replace(
        model,
        node_count=1,
        line_from=none,
        line_to=none,
        rating_w=none,
        reverse_rating_w=none,
        reactance_ppm=none,
        unit_node=np.zeros_like(model.unit_node),
    )


def uniform_optimum(model: DispatchModel, available_w: Integers, demand_wh: Integers) -> DayOptimum:
    """Return the same day without its network; prices have shape (1, T)."""
    total_wh = demand_wh.sum(axis=0, keepdims=True)
    return day_optimum(without_network(model), available_w, total_wh)


def bounded_micro(
    price_per_mwh: Floats, floor_micro_per_mwh: int, cap_micro_per_mwh: int
) -> Integers:
    """Return prices in whole micro per MWh within the floor and the cap of the market.

    Rounding: to the nearest micro, half to even, then into the bounds. A price passes the cap where
    demand that cannot be shed waits behind a loop, or where an offer lies above the cap; it passes
    a floor of zero where one more MWh of demand would relieve a loop.

    Example: 89.9999999999 becomes 90,000,000; 6,012.5 under a cap of 6,000 becomes 6,000,000,000.
    """
    # Clipped first too: a price that passes int64 has no integer to be bounded.
    low, high = floor_micro_per_mwh / MILLION, cap_micro_per_mwh / MILLION
    rounded = np.rint(np.clip(price_per_mwh, low, high) * MILLION).astype(np.int64)
    return np.clip(rounded, floor_micro_per_mwh, cap_micro_per_mwh)
