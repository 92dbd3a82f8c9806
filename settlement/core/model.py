"""What the engine works from: a market compiled to arrays, and a day's readings."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise

import numpy as np

from settlement.core.arrays import (
    Flags,
    Integers,
    integers,
    largest_magnitude,
    require_int64,
)
from settlement.core.booked import CHARGED_PRICES, EX_POST, OnlineDay
from settlement.core.charges import Charging
from settlement.core.clusters import Neighbourhood, neighbourhood
from settlement.core.cuts import Cuts, grid_cuts
from settlement.core.deliverability import MEASURES, Deliverability
from settlement.core.energy_accounts import EnergyAreas
from settlement.core.fair_play_rules import FairPlay, Requests, check_requests
from settlement.core.grid import Grid
from settlement.core.holarchy import HolarchyTree, tree_of_layers, without_limits
from settlement.core.levels_plan import LevelsPlan, levels_plan
from settlement.core.network import Network, network_of
from settlement.core.network_rooms import rooms_of
from settlement.core.pass_through import PassThrough
from settlement.core.pots import COST_RECOVERY, Flexibility, Pot, Target
from settlement.core.room import Rooms
from settlement.core.shapley_rule import EXACT, ShapleyRule
from settlement.core.tightness import PPM, Curve


@dataclass(frozen=True, eq=False)
class MarketModel:
    """The rules of a market in force on a day, as arrays. Ids are sorted; indices follow them.

    Attributes:
        grid: nodes, lines and layers.
        interval_minutes: length of an interval; divides 60.
        curves: one for each layer of the grid.
        layers_in_use: one for each layer of the grid; those that set prices.
        units: U ids.
        unit_node: shape (U,), index of each unit's node.
        offer_micro_per_mwh: shape (U,), price of fuel.
        annual_cost_micro: shape (U,), capital and fixed cost of a calendar year.
        unit_is_regulated: shape (U,), paid its annual cost.
        unit_is_eligible: shape (U,), may share in pots.
        supply_points: G ids.
        supply_point_node: shape (G,), index of each supply point's node.
        charging: how the supply points are charged.
        pots: their weights sum to one million.
        target: how much the pots of a day hold together.
        availability_price_micro_per_mw_h: paid for each MW of reserve held for an hour.
        flexibility: how the flexibility game measures; None where no pot uses it.
        shapley: the method that shares the games.
        fair_play: who is served when there is not enough; None where no rule says so.
        sell_curves: one for each layer of the grid, which price net export; empty where net export
            is sold at the curves that energy is bought at.
        deliverability: how what supply outside a holon can bring into it is measured.
        pass_through: charges that others set; None where there are none.
        energy_areas: where energy is accounted for by area; None where it is not.
        charged_price: whether what pays the price at its node pays that ex post, or the mean of
            what was published of the interval; one of `booked.CHARGED_PRICES`.
        sub_meters: S ids, whose energy bears pass-through charges and is settled nowhere else.
    """

    grid: Grid
    interval_minutes: int
    curves: tuple[Curve, ...]
    layers_in_use: tuple[bool, ...]
    units: tuple[str, ...]
    unit_node: Integers
    offer_micro_per_mwh: Integers
    annual_cost_micro: Integers
    unit_is_regulated: Flags
    unit_is_eligible: Flags
    supply_points: tuple[str, ...]
    supply_point_node: Integers
    charging: Charging
    pots: tuple[Pot, ...]
    target: Target = COST_RECOVERY
    availability_price_micro_per_mw_h: int = 0
    flexibility: Flexibility | None = None
    shapley: ShapleyRule = EXACT
    fair_play: FairPlay | None = None
    sell_curves: tuple[Curve, ...] = ()
    deliverability: Deliverability = "boundary"
    pass_through: PassThrough | None = None
    energy_areas: EnergyAreas | None = None
    sub_meters: tuple[str, ...] = ()
    charged_price: str = EX_POST

    def __post_init__(self) -> None:
        units, points, nodes = len(self.units), len(self.supply_points), len(self.grid.nodes)
        for name, count in (
            ("unit_node", units),
            ("offer_micro_per_mwh", units),
            ("annual_cost_micro", units),
            ("supply_point_node", points),
        ):
            object.__setattr__(self, name, integers(getattr(self, name), (count,), name))
        for name in ("unit_is_regulated", "unit_is_eligible"):
            flags = np.array(getattr(self, name), dtype=np.bool_)
            if flags.shape != (units,):
                raise ValueError(f"{name}: shape {flags.shape} given, ({units},) needed")
            object.__setattr__(self, name, flags)
        _require_points(points, "charging", self.charging.dynamic_ppm)
        if self.fair_play is not None:
            _require_points(points, "fair_play", self.fair_play.contracts.point_group)
        if 60 % self.interval_minutes:
            raise ValueError(f"interval of {self.interval_minutes} minutes: it must divide 60")
        self._check_layers()
        if self.energy_areas is not None and len(self.energy_areas.node_area) != nodes:
            raise ValueError("energy_areas: they do not place every node")
        for name, placed in (
            ("unit", self.unit_node),
            ("supply point", self.supply_point_node),
            ("trunk", np.array(self.shapley.trunk_nodes, dtype=np.int64)),
        ):
            if np.any((placed < 0) | (placed >= nodes)):
                raise ValueError(f"a {name} is at a node that the grid does not have")
        if np.any(self.annual_cost_micro < 0):
            raise ValueError("annual_cost_micro must not be negative")
        games = [pot.game for pot in self.pots]
        if sum(pot.weight_ppm for pot in self.pots) != PPM or len(set(games)) != len(games):
            raise ValueError(f"pots must be of different games and their weights sum to {PPM}")
        used = {pot.game for pot in self.pots if pot.weight_ppm}
        if "flexibility" in used and self.flexibility is None:
            raise ValueError("a flexibility pot needs to know how flexibility is measured")
        if self.availability_price_micro_per_mw_h < 0:
            raise ValueError("availability_price_micro_per_mw_h must not be negative")

    def _check_layers(self) -> None:
        if not len(self.curves) == len(self.layers_in_use) == len(self.grid.layers):
            raise ValueError("curves and layers_in_use need one entry for each layer of the grid")
        if self.sell_curves and len(self.sell_curves) != len(self.curves):
            raise ValueError("sell_curves need one entry for each layer of the grid, or none")
        if self.deliverability not in MEASURES:
            raise ValueError(f"deliverability {self.deliverability!r}: it is one of {MEASURES}")
        if self.charged_price not in CHARGED_PRICES:
            raise ValueError(f"charged_price {self.charged_price!r}: one of {CHARGED_PRICES}")

    @property
    def is_owed(self) -> Flags:
        """Shape (G,): whether what a point's contract refuses is owed to it, and served later."""
        if self.fair_play is None:
            return np.zeros(len(self.supply_points), dtype=np.bool_)
        flags: Flags = self.fair_play.contracts.point_window > 0
        return flags

    @cached_property
    def cuts(self) -> Cuts:
        """The grid's cuts, enumerated on first use."""
        return grid_cuts(self.grid)

    @cached_property
    def rooms(self) -> Rooms:
        """What answers how much can be brought to nodes together, in W."""
        return rooms_of(self.grid)

    @cached_property
    def network(self) -> Network:
        """The grid's network, with its ratings as they are."""
        return network_of(self.grid)

    @cached_property
    def multiplied_network(self) -> Network:
        """The network on which clusters serve; see `ShapleyRule.rating_multiplier`."""
        return network_of(self.grid, self.shapley.rating_multiplier)

    @cached_property
    def neighbourhood(self) -> Neighbourhood:
        """What clusters form by."""
        return neighbourhood(self.network, self.shapley.trunk_nodes, self.shapley.hop_limit)

    @cached_property
    def holarchy(self) -> HolarchyTree:
        """The layers as a tree, each holon joined to the one around it by its boundary."""
        return tree_of_layers(self.grid)

    @cached_property
    def levels_plan(self) -> LevelsPlan:
        """How the levels method visits the holarchy."""
        return levels_plan(self.holarchy, self.unit_node)

    @cached_property
    def levels_plan_without_limits(self) -> LevelsPlan:
        """The same orders, for games whose value knows no place."""
        return levels_plan(without_limits(self.holarchy), self.unit_node)


def _require_points(points: int, name: str, given: Integers) -> None:
    if given.shape != (points,):
        raise ValueError(f"{name}: {len(given)} points, {points} needed")


@dataclass(frozen=True, eq=False)
class DayReadings:
    """Metered values of one local day of T intervals.

    Attributes:
        day: the local day.
        generation_wh: shape (U, T), fed into the grid; negative where storage takes energy in.
        available_w: shape (U, T), what each unit could have fed in, not negative.
        demand_wh: shape (G, T), taken from the grid; negative is net export.
        reserve_w: shape (U, T), reserve held, not negative; None where nobody held any.
        requests: what Fair Play shares by beside them; None where the meter alone is known.
        asked_wh: shape (G, T), what was asked for where a study knows that it could not be metered;
            negative is net export; None where scarcity is measured by the meter.
        sub_metered_wh: shape (S, T), not negative; None where there is no sub-meter.
        online: what a market online handed over; None where it handed over nothing.
    """

    day: date
    generation_wh: Integers
    available_w: Integers
    demand_wh: Integers
    reserve_w: Integers | None = None
    requests: Requests | None = None
    asked_wh: Integers | None = None
    sub_metered_wh: Integers | None = None
    online: OnlineDay | None = None

    @property
    def scarcity_wh(self) -> Integers:
        """Demand by which scarcity is measured, shape (G, T)."""
        return self.demand_wh if self.asked_wh is None else self.asked_wh

    @property
    def charged_wh(self) -> Integers:
        """Energy that pass-through charges may fall on, shape (G + U + S, T)."""
        own = (self.demand_wh, self.generation_wh)
        return np.concatenate(own if self.sub_metered_wh is None else (*own, self.sub_metered_wh))


def checked_readings(model: MarketModel, readings: DayReadings) -> DayReadings:
    """Return the readings as int64 arrays of the model's shapes.

    Raises:
        TypeError: a quantity is not an integer.
        ValueError: a shape differs, the day has no interval, or an availability or a request is
            negative.
        OverflowError: a quantity is so large that sums over the market may pass int64.
    """
    intervals = np.shape(readings.demand_wh)[-1]
    if not intervals:
        raise ValueError(f"{readings.day}: no interval; a day has at least one")
    units = (len(model.units), intervals)
    checked = DayReadings(
        readings.day,
        integers(readings.generation_wh, units, "generation_wh"),
        integers(readings.available_w, units, "available_w"),
        integers(readings.demand_wh, (len(model.supply_points), intervals), "demand_wh"),
        np.zeros(units, dtype=np.int64)
        if readings.reserve_w is None
        else integers(readings.reserve_w, units, "reserve_w"),
        readings.requests
        and check_requests(readings.requests, (len(model.supply_points), intervals)),
        None
        if readings.asked_wh is None
        else integers(readings.asked_wh, (len(model.supply_points), intervals), "asked_wh"),
        integers(
            np.zeros((0, intervals), dtype=np.int64)
            if readings.sub_metered_wh is None
            else readings.sub_metered_wh,
            (len(model.sub_meters), intervals),
            "sub_metered_wh",
        ),
        _checked_online(model, readings.online, intervals),
    )
    for name in ("generation_wh", "available_w", "demand_wh", "scarcity_wh", "charged_wh"):
        values = getattr(checked, name)
        require_int64(largest_magnitude(values) * len(values) * 60, name)
    for name, entities in (
        ("available_w", model.units),
        ("reserve_w", model.units),
        ("sub_metered_wh", model.sub_meters),
    ):
        values = getattr(checked, name)
        if np.any(values < 0):
            row, interval = np.argwhere(values < 0)[0]
            raise ValueError(f"{name} of {entities[row]}, interval {interval}: negative")
    return checked


def _checked_online(
    model: MarketModel, online: OnlineDay | None, intervals: int
) -> OnlineDay | None:
    if online is None:
        return None
    nodes, points = (len(model.grid.nodes), intervals), len(model.supply_points)
    for name in ("published_micro_per_mwh", "published_sell_micro_per_mwh"):
        integers(getattr(online, name), nodes, name)
    if online.is_published.shape != (intervals,):
        raise ValueError("is_published: needs one entry for each interval")
    for each in online.bookings:
        integers(each.price_micro_per_mwh, (intervals,), "price_micro_per_mwh of a booking")
        booked_wh = integers(each.energy_wh, (intervals,), "energy_wh of a booking")
        if not 0 <= each.point < points or booked_wh.min() < 0:
            raise ValueError(f"booking {each.number}: of no supply point, or negative")
    if any(one.number >= other.number for one, other in pairwise(online.bookings)):
        raise ValueError("bookings: in the order of their numbers, each once")
    return online


def node_demand_w(model: MarketModel, demand_wh: Integers) -> Integers:
    """Return demand at each node in W, shape (N, T); a node with net export has none."""
    demand = np.zeros((len(model.grid.nodes), demand_wh.shape[1]), dtype=np.int64)
    np.add.at(demand, model.supply_point_node, demand_wh)
    return np.maximum(demand, 0) * (60 // model.interval_minutes)


def node_available_w(model: MarketModel, available_w: Integers) -> Integers:
    """Return available supply at each node in W, shape (N, T)."""
    available = np.zeros((len(model.grid.nodes), available_w.shape[1]), dtype=np.int64)
    np.add.at(available, model.unit_node, available_w)
    return available
