"""What supply points are charged, and what the equalisation account takes up and gives back.

A supply point subscribes, pays the dynamic price, or both in parts (`dynamic_ppm`). Each component
of cost is first parted in each interval between all subscribed and all dynamic energy; net export
bears none. The subscribed part is then shared over the subscribed points:

- fuel by energy taken in the interval;
- all else by energy taken in the interval x capacity weight (basis ``interval``), or by energy
  taken over the day (basis ``day``).

Dynamic energy pays the price at its node instead, and is paid the sell price there for net export.
What that comes to, more or less than the dynamic part of the cost, is the movement of the
equalisation account; by rule it may be returned at once, by energy taken over the day.

A contract may cover a block of energy a month. What a supply point takes above it is charged apart,
at the product's excess price or, where it states none, at the price of the node: it bears no share
of the costs and pays no dynamic price beside.

Source: the per-timestamp and aggregate charging of the thesis behind arXiv 2512.13871.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from settlement.core.arrays import Flags, Integers, largest_magnitude, require_int64
from settlement.core.measure import Measure
from settlement.core.pots import COMPONENTS
from settlement.core.rounding import apportion, energy_amounts_micro
from settlement.core.tightness import PPM

BASES = ("interval", "day")
RETURNED_TO = ("nobody", "everyone", "subscription", "dynamic")

MEASURES = {
    **{
        f"charge.{name}_micro": Measure("subscription point", "+ is owed to the market")
        for name in COMPONENTS
    },
    "charge.dynamic_micro": Measure("dynamic point", "+ is owed to the market"),
    "charge.excess_micro": Measure("point with a block", "+ is owed for what is above it"),
    "charge.over_take_micro": Measure("supply point", "+ is owed; where Fair Play moves money"),
    "charge.compensation_micro": Measure("supply point", "- is given for what was missed"),
    "charge.equalisation_micro": Measure("supply point", "- is given back, if a rule returns it"),
}
"""What supply points are charged in a day, by measure."""


@dataclass(frozen=True, eq=False)
class Charging:
    """How G supply points are charged.

    Attributes:
        dynamic_ppm: shape (G,), 0 to a million, the part of a point's energy that pays the price.
        capacity_weight_ppm: shape (G,), not negative; weighs energy in all components but fuel.
        non_fuel_basis: ``interval`` or ``day``.
        returned_to: to whom the equalisation movement is returned: ``nobody``, ``everyone``, or
            points with any ``subscription`` or any ``dynamic`` part.
        blocks: energy that contracts cover in a month; None where none does.
    """

    dynamic_ppm: Integers
    capacity_weight_ppm: Integers
    non_fuel_basis: str = "interval"
    returned_to: str = "nobody"
    blocks: "Blocks | None" = None

    def __post_init__(self) -> None:
        if self.blocks is not None and len(self.blocks.covered_wh) != len(self.dynamic_ppm):
            raise ValueError("blocks need one entry for each supply point")
        if np.any((self.dynamic_ppm < 0) | (self.dynamic_ppm > PPM)):
            raise ValueError(f"dynamic_ppm must be 0 to {PPM}")
        if np.any(self.capacity_weight_ppm < 0):
            raise ValueError("capacity_weight_ppm must not be negative")
        if self.non_fuel_basis not in BASES or self.returned_to not in RETURNED_TO:
            raise ValueError(f"basis is one of {BASES}, returned_to one of {RETURNED_TO}")

    @property
    def subscribes(self) -> np.ndarray:
        """Shape (G,), whether a point subscribes with any part."""
        return self.dynamic_ppm < PPM

    @property
    def is_dynamic(self) -> np.ndarray:
        """Shape (G,), whether a point pays the price with any part."""
        return self.dynamic_ppm > 0


@dataclass(frozen=True, eq=False)
class Blocks:
    """Energy that contracts cover in a month.

    Attributes:
        has_block: shape (G,), whether the contract of a point covers a block.
        covered_wh: shape (G,), the block; 0 where there is none.
        price_micro_per_mwh: shape (G,), for what is above it; `NODE_PRICE` for that of the node.
    """

    has_block: Flags
    covered_wh: Integers
    price_micro_per_mwh: Integers

    def __post_init__(self) -> None:
        if len({len(self.has_block), len(self.covered_wh), len(self.price_micro_per_mwh)}) != 1:
            raise ValueError("has_block, covered_wh and price_micro_per_mwh differ in length")
        if self.covered_wh.min(initial=0) < 0:
            raise ValueError("covered_wh must not be negative")


NODE_PRICE = -(2**62)
"""In the place of an excess price: that of the node. No price comes near it."""


def excess_wh(blocks: Blocks, taken_before_wh: Integers, demand_wh: Integers) -> Integers:
    """Return what is taken above the blocks, shape (G, T).

    Args:
        taken_before_wh: shape (G,), in the month before the day; net export does not count.
        demand_wh: shape (G, T), negative is net export.

    Example: a block of 100 Wh of which 70 were taken before; of 20, 20 and 20 Wh the first is
    covered, 10 of the second are, and the rest of it and the third are above the block.
    """
    taken = np.maximum(demand_wh, 0)
    before = taken_before_wh[:, np.newaxis] + np.cumsum(taken, axis=1) - taken
    left = np.maximum(blocks.covered_wh[:, np.newaxis] - before, 0)
    excess: Integers = np.where(blocks.has_block[:, np.newaxis], np.maximum(taken - left, 0), 0)
    return excess


def priced_wh(charging: Charging, above_wh: Integers | None, demand_wh: Integers) -> Integers:
    """Return what of the energy taken pays the price at its node, shape (G, T), in Wh x ppm.

    The dynamic part of what contracts cover, and what is above them where that price holds there.

    Args:
        above_wh: shape (G, T), see `excess_wh`; None where no contract covers a block.
        demand_wh: shape (G, T), negative is net export.
    """
    dynamic_ppm = charging.dynamic_ppm[:, np.newaxis]
    taken = np.maximum(demand_wh, 0)
    require_int64(largest_magnitude(taken) * PPM, "energy of an interval x ppm")
    if charging.blocks is None or above_wh is None:
        dynamic: Integers = taken * dynamic_ppm
        return dynamic
    at_node = (charging.blocks.price_micro_per_mwh == NODE_PRICE)[:, np.newaxis]
    priced: Integers = (taken - above_wh) * dynamic_ppm + np.where(at_node, above_wh, 0) * PPM
    return priced


class Charge(NamedTuple):
    """What supply points are charged for one component.

    Attributes:
        is_charged: shape (G,), which points it is about.
        amounts_micro: shape (those points, T).
    """

    component: str
    is_charged: Flags
    amounts_micro: Integers


def charge_points(
    charging: Charging,
    demand_wh: Integers,
    cost_micro: Mapping[str, Integers],
    price_micro_per_mwh: Integers,
    sell_price_micro_per_mwh: Integers,
    fair_play_micro: Mapping[str, Integers],
    taken_before_wh: Integers | None = None,
    booked_micro: Integers | int = 0,
) -> tuple[list[Charge], Integers]:
    """Return all that points are charged, and what goes into the equalisation account.

    Args:
        charging: how points are charged.
        demand_wh: shape (G, T), metered; negative is net export.
        cost_micro: by component, shape (T,), what units are paid.
        price_micro_per_mwh, sell_price_micro_per_mwh: shape (G, T), charged at the node of each
            point.
        fair_play_micro: by component, shape (G, T), what Fair Play charges and gives.
        taken_before_wh: shape (G,), in the month before the day; needed where there are blocks.
        booked_micro: shape (T,), what lines of bookings charge beside; 0 where there is none.

    Returns:
        The charges in the order of their tables, and the movement of the account, shape (T,): what
        they exceed the costs by, less what is returned of it.
    """
    everyone = np.ones(len(demand_wh), dtype=np.bool_)
    pays = charging.is_dynamic
    taken_wh, excess = demand_wh, []
    if charging.blocks is not None:
        if taken_before_wh is None:
            raise ValueError("taken_before_wh: needed where contracts cover blocks")
        above_wh = excess_wh(charging.blocks, taken_before_wh, demand_wh)
        stated = charging.blocks.price_micro_per_mwh[:, np.newaxis]
        price = np.where(stated == NODE_PRICE, price_micro_per_mwh, stated)
        has = charging.blocks.has_block
        excess = [Charge("excess", has, energy_amounts_micro(above_wh[has], price[has]))]
        demand_wh = demand_wh - above_wh
    dynamic = dynamic_charges_micro(
        price_micro_per_mwh[pays],
        sell_price_micro_per_mwh[pays],
        demand_wh[pays],
        charging.dynamic_ppm[pays],
    )
    of_fuel, of_others = (
        _subscribed(demand_wh, charging, is_fuel=is_it) for is_it in (True, False)
    )
    charges = [
        *(
            Charge(
                component,
                charging.subscribes,
                _shared_micro(cost, of_fuel if component == "fuel" else of_others)[
                    charging.subscribes
                ],
            )
            for component, cost in cost_micro.items()
        ),
        Charge("dynamic", pays, dynamic),
        *excess,
        *(Charge(component, everyone, amounts) for component, amounts in fair_play_micro.items()),
    ]
    movement = np.zeros(demand_wh.shape[1], dtype=np.int64)
    movement += sum(charge.amounts_micro.sum(axis=0) for charge in charges)
    movement -= sum(cost_micro.values())
    movement += booked_micro
    if charging.returned_to != "nobody":
        returned = returned_micro(movement, taken_wh, charging)
        charges.append(Charge("equalisation", everyone, returned))
        movement = movement + returned.sum(axis=0)
    return charges, movement


def subscription_shares_micro(
    cost_micro: Integers, demand_wh: Integers, charging: Charging, *, is_fuel: bool
) -> Integers:
    """Return each supply point's share of the subscribed part of a cost, shape (G, T).

    Args:
        cost_micro: shape (T,), one component's cost in each interval.
        demand_wh: shape (G, T), metered; negative is net export.
        charging: how points are charged.
        is_fuel: whether the component is fuel.

    Rounding: largest remainder, twice: between subscribed and dynamic energy, then over points. In
    an interval in which nobody takes subscribed energy the column is 0.

    Example: a cost of 90 with 1 Wh dynamic and 2 Wh subscribed leaves 60 to the subscribed; two
    points with 1 Wh each and capacity weights 1 and 2 bear 20 and 40 of it, or 30 and 30 of fuel.
    """
    return _shared_micro(cost_micro, _subscribed(demand_wh, charging, is_fuel=is_fuel))


class _Subscribed(NamedTuple):
    """How a day's costs are shared over G supply points, the same for costs of a kind.

    Attributes:
        parts: of each interval the energy taken on subscription, and else, in Wh x ppm.
        weights: of each interval those of the points, by which the first part is shared; empty
            where nobody takes subscribed energy.
    """

    points: int
    parts: list[list[int]]
    weights: list[list[int]]


def _subscribed(demand_wh: Integers, charging: Charging, *, is_fuel: bool) -> _Subscribed:
    taken = np.maximum(demand_wh, 0)
    subscribed_ppm = (PPM - charging.dynamic_ppm).tolist()
    point_weight = [1] * len(taken) if is_fuel else charging.capacity_weight_ppm.tolist()
    by_day = charging.non_fuel_basis == "day" and not is_fuel
    of_day = _products(taken.sum(axis=1).tolist(), subscribed_ppm) if by_day else []
    parts, of_intervals = [], []
    for energy in taken.T.tolist():
        subscribed = _products(energy, subscribed_ppm)
        whole = sum(subscribed)
        parts.append([whole, sum(energy) * PPM - whole])
        weights = of_day if by_day else _products(subscribed, point_weight)
        # A group whose every weight is 0 shares by energy: its cost must not be lost.
        of_intervals.append([] if not whole else weights if any(weights) else subscribed)
    return _Subscribed(len(demand_wh), parts, of_intervals)


def _shared_micro(cost_micro: Integers, by: _Subscribed) -> Integers:
    shares = np.zeros((by.points, len(cost_micro)), dtype=np.int64)
    costs = zip(cost_micro.tolist(), by.parts, by.weights, strict=True)
    for interval, (cost, parts, weights) in enumerate(costs):
        if cost and weights:
            # The rest is not charged here: dynamic energy pays its price, and the account the gap.
            shares[:, interval] = apportion(apportion(cost, parts)[0], weights)
    return shares


def dynamic_charges_micro(
    price_micro_per_mwh: Integers,
    sell_price_micro_per_mwh: Integers,
    demand_wh: Integers,
    dynamic_ppm: Integers,
) -> Integers:
    """Return the dynamic part of price x metered energy, shape (G, T), rounded down to a micro.

    Energy taken is charged the price, net export is paid the sell price; each of shape (G, T).

    Example: 2 MWh taken at 90 and 1 MWh exported at 60 micro per MWh come to 180 and -60.
    """
    price = np.where(demand_wh < 0, sell_price_micro_per_mwh, price_micro_per_mwh)
    # Apart: an amount in micro times parts per million can pass int64.
    whole, rest = np.divmod(energy_amounts_micro(demand_wh, price), PPM)
    part = dynamic_ppm[:, np.newaxis]
    charges: Integers = whole * part + rest * part // PPM
    return charges


def returned_micro(movement_micro: Integers, demand_wh: Integers, charging: Charging) -> Integers:
    """Return what each point is charged (-: given back) of the account's movement, shape (G, T).

    Args:
        movement_micro: shape (T,), + goes into the account.
        demand_wh: shape (G, T).
        charging: who gets it, by energy taken over the day.

    Where nobody who gets it took energy that day, nothing is returned and the account keeps it.
    """
    charges = np.zeros_like(demand_wh)
    if charging.returned_to == "nobody":
        return charges
    gets = {
        "everyone": np.ones(len(demand_wh), dtype=np.bool_),
        "subscription": charging.subscribes,
        "dynamic": charging.is_dynamic,
    }[charging.returned_to]
    over_day = (np.maximum(demand_wh, 0).sum(axis=1) * gets).tolist()
    if not any(over_day):
        return charges
    for interval, movement in enumerate(movement_micro.tolist()):
        if movement:
            # Largest remainder, so that what leaves the account is what points get, to the micro.
            charges[:, interval] = apportion(-movement, over_day)
    return charges


def _products(left: Sequence[int], right: Sequence[int]) -> list[int]:
    return [factor * other for factor, other in zip(left, right, strict=True)]
