"""Money of the same metered energy under three other designs: arrays in, arrays out.

- *nodal*: units are paid, and supply points pay, the marginal price of their node;
- *uniform*: the same with one marginal price for the system, as if there were no network;
- *flat*: supply points bear all payments at one price per MWh over the whole period.

Prices come from least-cost dispatch of what is available and not held for reserve, so they are
rounded from floats once, by `settlement.dispatch.prices.bounded_micro`; the amounts are exact from
there on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rulebook.documents import MarketRules
from settlement.core.model import DayReadings
from settlement.core.rounding import WH_PER_MWH, apportion, energy_amounts_micro
from settlement.dispatch.prices import bounded_micro, day_optimum, uniform_optimum
from settlement.dispatch.programme import DispatchModel, Integers


@dataclass(frozen=True, eq=False)
class MarginalDay:
    """A day at marginal prices: U units, G supply points, N nodes (1 if uniform), T intervals.

    Attributes:
        price_micro_per_mwh: int64[N, T].
        payments_micro: int64[U, T], + is paid to the owner; storage pays for what it takes in.
        charges_micro: int64[G, T], + is owed to the market; net export is paid the same price.

    Charges less payments are the surplus of the network, and the price of energy that was metered
    on one side only.
    """

    price_micro_per_mwh: Integers
    payments_micro: Integers
    charges_micro: Integers


@dataclass(frozen=True)
class PriceBounds:
    """The lowest and the highest price that the market's rules allow, in micro per MWh."""

    floor_micro_per_mwh: int
    cap_micro_per_mwh: int


def price_bounds(market_rules: MarketRules) -> PriceBounds:
    """Return the floor and the cap of the market rules in force."""
    return PriceBounds(market_rules.price_floor_micro_per_mwh, market_rules.price_cap_micro_per_mwh)


def nodal_day(
    model: DispatchModel, point_node: Integers, readings: DayReadings, bounds: PriceBounds
) -> MarginalDay:
    """Return a day at nodal marginal prices.

    Args:
        model: grid and fleet, units in the order of the readings; its penalty for unserved demand
            is the value of lost load.
        point_node: int64[G], node of each supply point.
        readings: the day, as it was metered.
        bounds: floor and cap of the rules.

    Raises:
        ValueError, DispatchError: as in `settlement.dispatch.least_cost.dispatch_day`.
        OverflowError: a day's sum of money of one entity could pass int64.
    """
    price = nodal_price_micro_per_mwh(model, point_node, readings, bounds)
    return day_at_price(price, model.unit_node, point_node, readings)


def uniform_day(
    model: DispatchModel, point_node: Integers, readings: DayReadings, bounds: PriceBounds
) -> MarginalDay:
    """Return a day at the uniform marginal price; arguments and errors as in `nodal_day`."""
    price = uniform_price_micro_per_mwh(model, point_node, readings, bounds)
    return day_at_price(price, np.zeros_like(model.unit_node), np.zeros_like(point_node), readings)


def nodal_price_micro_per_mwh(
    model: DispatchModel, point_node: Integers, readings: DayReadings, bounds: PriceBounds
) -> Integers:
    """Return int64[N, T], the marginal price of what was asked for at each node, within bounds.

    Arguments and errors as in `nodal_day`.
    """
    demand_wh = node_demand_wh(model, point_node, readings.scarcity_wh)
    optimum = day_optimum(model, free_w(readings), demand_wh)
    return _micro(optimum.node_price_per_mwh, bounds)


def uniform_price_micro_per_mwh(
    model: DispatchModel, point_node: Integers, readings: DayReadings, bounds: PriceBounds
) -> Integers:
    """Return int64[1, T], the marginal price as if there were no network, within bounds.

    Arguments and errors as in `nodal_day`.
    """
    demand_wh = node_demand_wh(model, point_node, readings.scarcity_wh)
    optimum = uniform_optimum(model, free_w(readings), demand_wh)
    return _micro(optimum.node_price_per_mwh, bounds)


def day_at_price(
    price_micro_per_mwh: Integers, unit_node: Integers, point_node: Integers, readings: DayReadings
) -> MarginalDay:
    """Return metered energy at given prices.

    Args:
        price_micro_per_mwh: int64[N, T].
        unit_node, point_node: int64[U] and int64[G], row of the price of each.
        readings: the day, as it was metered.

    Raises:
        OverflowError: a day's sum of money of one entity could pass int64.
    """
    return MarginalDay(
        price_micro_per_mwh,
        _amounts_micro(readings.generation_wh, price_micro_per_mwh[unit_node]),
        _amounts_micro(readings.demand_wh, price_micro_per_mwh[point_node]),
    )


def flat_charges_micro(payments_micro: int, demand_wh: Sequence[Integers]) -> list[Integers]:
    """Return charges that recover the payments of a period at one price per MWh.

    Args:
        payments_micro: all that is paid in the period.
        demand_wh: int64[G, T] of each day; net export bears nothing.

    Returns:
        int64[G, T] of each day. Together they sum to the payments exactly, by largest remainder
        over every supply point and interval of the period, ties to the earliest day, then to the
        first supply point, then to the earliest interval. A period in which nobody takes energy has
        no charges.

    Example: 100 micro over one day of 1, 1 and 1 Wh is 34, 33 and 33.
    """
    taken = [np.maximum(day, 0) for day in demand_wh]
    weights = [wh for day in taken for wh in day.ravel().tolist()]
    if not any(weights):
        return [np.zeros_like(day) for day in taken]
    parts = np.array(apportion(payments_micro, weights), dtype=np.int64)
    ends = np.cumsum([day.size for day in taken])[:-1]
    return [part.reshape(day.shape) for part, day in zip(np.split(parts, ends), taken, strict=True)]


def flat_price_micro_per_mwh(payments_micro: int, demand_wh: Sequence[Integers]) -> int:
    """Return the flat tariff's price, rounded down; 0 where nobody takes energy."""
    taken_wh = sum(int(np.maximum(day, 0).sum()) for day in demand_wh)
    return payments_micro * WH_PER_MWH // taken_wh if taken_wh else 0


def _amounts_micro(energy_wh: Integers, price_micro_per_mwh: Integers) -> Integers:
    """Return int64[E, T], an entity at a time: at the cap, only its own sum must fit int64."""
    amounts_micro = np.empty_like(energy_wh)
    for entity, (energy, price) in enumerate(zip(energy_wh, price_micro_per_mwh, strict=True)):
        amounts_micro[entity] = energy_amounts_micro(energy, price)
    return amounts_micro


def node_demand_wh(model: DispatchModel, point_node: Integers, demand_wh: Integers) -> Integers:
    """Return int64[N, T], demand of each node less its net export, from int64[G, T] of points."""
    demand = np.zeros((model.node_count, demand_wh.shape[1]), dtype=np.int64)
    np.add.at(demand, point_node, demand_wh)
    return demand


def free_w(readings: DayReadings) -> Integers:
    """Return what is available and not held for reserve, shape (U, T)."""
    if readings.reserve_w is None:
        return readings.available_w
    free_w: Integers = np.maximum(readings.available_w - readings.reserve_w, 0)
    return free_w


def _micro(price_per_mwh: np.ndarray, bounds: PriceBounds) -> Integers:
    return bounded_micro(price_per_mwh, bounds.floor_micro_per_mwh, bounds.cap_micro_per_mwh)
