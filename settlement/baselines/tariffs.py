"""Money of three other designs, each for what it serves alone: arrays in, arrays out.

- *nodal*: units are paid for what they generate, and supply points pay for what is delivered, at
  the marginal price of their node. Losses are generated and paid and not delivered, so they come
  out of the network's surplus, which is below nothing where no line is full. What is not delivered
  is not billed, though the price at which it is not delivered, the cap, is paid for all that is.
- *uniform*: one marginal price for the system, as if there were no network. Units are paid it for
  what the market sold of them. Where the redispatch for the network turns a unit up, it is paid its
  offer for what it generates more; where it turns one down, the unit pays back what that spares it,
  its offer, and keeps the rest: in money it is as well off as if there were no network (Regulation
  (EU) 2019/943, article 13(7), at cost). Supply points pay the price for what is delivered, and
  what losses and the redispatch cost beside, by energy taken in the interval: all of them, wherever
  they are, those who are cut off by the network less for they take less.
- *flat*: supply points bear all payments, and so losses, at one price per MWh over the period.
  Units are paid as the market that was settled pays them, but fuel for what they generate under
  this design.

Who is served by each is said in `settlement.baselines.serving`. Prices come from least-cost
dispatch of what is available and not held for reserve to what was asked for and is lost of it, so
they are rounded from floats once, by `settlement.dispatch.prices.bounded_micro`; served energy is
rounded to whole Wh; the amounts are exact from there on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rulebook.documents import MarketRules
from settlement.baselines.designs import Design
from settlement.baselines.serving import DesignsDay, Network, Served, serve_day, supply_w
from settlement.core.model import DayReadings, MarketModel
from settlement.core.pots import fuel_payments_micro
from settlement.core.rounding import WH_PER_MWH, apportion, energy_amounts_micro
from settlement.dispatch.model import Integers
from settlement.dispatch.prices import bounded_micro, day_optimum, uniform_optimum

FUEL_MEASURE = "payment.fuel_micro"
"""The one payment of a settlement that follows what a unit generates on the day."""


@dataclass(frozen=True)
class PriceBounds:
    """The lowest and the highest price that the market's rules allow, in micro per MWh."""

    floor_micro_per_mwh: int
    cap_micro_per_mwh: int


@dataclass(frozen=True, eq=False)
class Placed:
    """Where everybody is, and what units offer: U units, G supply points.

    Attributes:
        unit_node: int64[U].
        point_node: int64[G].
        offer_micro_per_mwh: int64[U].
    """

    unit_node: Integers
    point_node: Integers
    offer_micro_per_mwh: Integers


@dataclass(frozen=True, eq=False)
class SolvedDay:
    """A day as solvers leave it, in integers: G supply points, N nodes, T intervals.

    Attributes:
        asked_wh: int64[G, T], what was asked for; negative is net export.
        designs: who is served by each design, and what units generate for it.
        nodal_micro_per_mwh: int64[N, T].
        uniform_micro_per_mwh: int64[1, T].
    """

    asked_wh: Integers
    designs: DesignsDay
    nodal_micro_per_mwh: Integers
    uniform_micro_per_mwh: Integers


@dataclass(frozen=True, eq=False)
class MarginalDay:
    """The money of a day at marginal prices.

    Attributes:
        price_micro_per_mwh: int64[N, T]; N is 1 if uniform.
        served: what is billed.
        payments_micro: int64[U, T], + is paid to the owner; storage pays for what it takes in.
        charges_micro: int64[G, T], + is owed to the market; net export is paid the same price.
        not_billed_micro: what was asked for and is not served would cost at these prices.

    Nodal charges less payments are the surplus of the network, losses taken out; uniform ones are
    equal in every interval in which somebody takes energy.
    """

    price_micro_per_mwh: Integers
    served: Served
    payments_micro: Integers
    charges_micro: Integers
    not_billed_micro: int


def placed(model: MarketModel) -> Placed:
    """Return where everybody is under compiled rules."""
    return Placed(model.unit_node, model.supply_point_node, model.offer_micro_per_mwh)


def price_bounds(market_rules: MarketRules) -> PriceBounds:
    """Return the floor and the cap of the market rules in force."""
    return PriceBounds(market_rules.price_floor_micro_per_mwh, market_rules.price_cap_micro_per_mwh)


def solve_day(network: Network, readings: DayReadings, bounds: PriceBounds) -> SolvedDay:
    """Return who is served of a day, and its marginal prices.

    Args:
        network: units in the order of the readings; its penalty for unserved demand is the value
            of lost load.
        readings: the day; what was metered of generation does not count.
        bounds: floor and cap of the rules.

    Raises:
        ValueError, DispatchError, OverflowError: as in `settlement.baselines.serving.serve_day`.
    """
    demand_wh = network.demand_wh(readings.scarcity_wh)
    free = supply_w(network, readings)
    nodal = day_optimum(network.model, free, demand_wh)
    uniform = uniform_optimum(network.model, free, demand_wh)
    return SolvedDay(
        readings.scarcity_wh,
        serve_day(network, readings.scarcity_wh, free),
        _micro(nodal.node_price_per_mwh, bounds),
        _micro(uniform.node_price_per_mwh, bounds),
    )


def marginal_money(placed: Placed, day: SolvedDay) -> dict[Design, MarginalDay]:
    """Return the money of the designs with marginal prices.

    Raises:
        OverflowError: a day's sum of money of one entity could pass int64.
    """
    nodal = _at_price(
        day.nodal_micro_per_mwh,
        placed,
        day.asked_wh,
        day.designs.nodal,
        day.designs.nodal.generation_wh,
    )
    one_node = Placed(
        np.zeros_like(placed.unit_node),
        np.zeros_like(placed.point_node),
        placed.offer_micro_per_mwh,
    )
    uniform = _at_price(
        day.uniform_micro_per_mwh,
        one_node,
        day.asked_wh,
        day.designs.uniform,
        day.designs.scheduled_wh,
    )
    return {Design.NODAL: nodal, Design.UNIFORM: _redispatched(uniform, placed, day.designs)}


def flat_fuel_micro(market: Placed, day: SolvedDay) -> Integers:
    """Return int64[U, T], fuel as offered of what units generate under the flat tariff."""
    return fuel_payments_micro(day.designs.flat.generation_wh, market.offer_micro_per_mwh)


def flat_payments_micro(
    settled_micro: Mapping[str, int],
    settled_fuel_micro: Mapping[str, int],
    fuel_micro: Mapping[str, int],
) -> dict[str, int]:
    """Return what units are paid under the flat tariff, by unit: other fuel, and the same cost.

    Args:
        settled_micro: all that the settlement pays.
        settled_fuel_micro: the part of it that is fuel.
        fuel_micro: fuel of what they generate under the flat tariff.
    """
    return {
        unit: settled_micro.get(unit, 0) - settled_fuel_micro.get(unit, 0) + fuel
        for unit, fuel in fuel_micro.items()
    }


def flat_charges_micro(payments_micro: int, delivered_wh: Sequence[Integers]) -> list[Integers]:
    """Return charges that recover the payments of a period at one price per MWh.

    Args:
        payments_micro: all that is paid in the period.
        delivered_wh: int64[G, T] of each day; net export bears nothing.

    Returns:
        int64[G, T] of each day. Together they sum to the payments exactly, by largest remainder
        over every supply point and interval of the period, ties to the earliest day, then to the
        first supply point, then to the earliest interval. A period in which nobody takes energy has
        no charges.

    Example: 100 micro over one day of 1, 1 and 1 Wh is 34, 33 and 33.
    """
    taken = [np.maximum(day, 0) for day in delivered_wh]
    weights = [wh for day in taken for wh in day.ravel().tolist()]
    if not any(weights):
        return [np.zeros_like(day) for day in taken]
    parts = np.array(apportion(payments_micro, weights), dtype=np.int64)
    ends = np.cumsum([day.size for day in taken])[:-1]
    return [part.reshape(day.shape) for part, day in zip(np.split(parts, ends), taken, strict=True)]


def flat_price_micro_per_mwh(payments_micro: int, delivered_wh: Sequence[Integers]) -> int:
    """Return the flat tariff's price, rounded down; 0 where nobody takes energy."""
    taken_wh = sum(int(np.maximum(day, 0).sum()) for day in delivered_wh)
    return payments_micro * WH_PER_MWH // taken_wh if taken_wh else 0


def _at_price(
    price_micro_per_mwh: Integers,
    placed: Placed,
    asked_wh: Integers,
    served: Served,
    paid_wh: Integers,
) -> MarginalDay:
    """Return energy at prices of int64[N, T]; `paid_wh` of int64[U, T] is what units are paid."""
    of_points = price_micro_per_mwh[placed.point_node]
    left_micro = _amounts_micro(asked_wh - served.delivered_wh, of_points)
    return MarginalDay(
        price_micro_per_mwh,
        served,
        _amounts_micro(paid_wh, price_micro_per_mwh[placed.unit_node]),
        _amounts_micro(served.delivered_wh, of_points),
        sum(left_micro.sum(axis=1).tolist()),
    )


def _redispatched(market: MarginalDay, placed: Placed, designs: DesignsDay) -> MarginalDay:
    """Return a day of one price with the redispatch paid to units, and borne by who takes energy.

    Rounding: what payments exceed charges by is divided by largest remainder over the supply points
    of the interval, ties to the first, so charges sum to payments.

    Example: 10 MWh are sold at 12, of a unit that offers 12; the line carries 6, and a unit that
    offers 90 gives the other 4. The first gets 120 - 4 x 12 = 72, the second 4 x 90 = 360; charges
    are 120 for energy and 312 for the redispatch.
    """
    moved_wh = designs.uniform.generation_wh - designs.scheduled_wh
    offers = np.broadcast_to(placed.offer_micro_per_mwh[:, np.newaxis], moved_wh.shape)
    payments = market.payments_micro + _amounts_micro(moved_wh, offers)
    charges = market.charges_micro.copy()
    taken_wh = np.maximum(market.served.delivered_wh, 0)
    cost_micro = payments.sum(axis=0) - charges.sum(axis=0)
    for interval in np.flatnonzero((cost_micro != 0) & taken_wh.any(axis=0)).tolist():
        charges[:, interval] += np.array(
            apportion(int(cost_micro[interval]), taken_wh[:, interval].tolist()), dtype=np.int64
        )
    return MarginalDay(
        market.price_micro_per_mwh, market.served, payments, charges, market.not_billed_micro
    )


def _amounts_micro(energy_wh: Integers, price_micro_per_mwh: Integers) -> Integers:
    """Return int64[E, T], an entity at a time: at the cap, only its own sum must fit int64."""
    amounts_micro = np.empty_like(energy_wh)
    for entity, (energy, price) in enumerate(zip(energy_wh, price_micro_per_mwh, strict=True)):
        amounts_micro[entity] = energy_amounts_micro(energy, price)
    return amounts_micro


def _micro(price_per_mwh: np.ndarray, bounds: PriceBounds) -> Integers:
    return bounded_micro(price_per_mwh, bounds.floor_micro_per_mwh, bounds.cap_micro_per_mwh)
