"""Who is served under each design, and what units generate for it: arrays in, arrays out.

All designs have the same demand, units and network, and none knows what a kWh is worth to whom: no
product states a willingness to pay below the cap. So where not all can be served, each design
rations *by price, then pro rata* in its own way:

- *nodal*: least cost says how much each node gets, the near before the far (see `near first` in
  `settlement.dispatch.rationing`): every node that is not served in full has the cap for
  its price, and of those the nearest to the energy are served first. Of nodes that are alike by
  that, and of the supply points of a node, each gets the same part of what it asks for. Products
  with a stated willingness would be served by it first.
- *uniform*: the market clears as if there were no network. What the whole system cannot serve is
  rationed pro rata over all supply points, wherever they are, and nobody has bought more than that.
  Then the operator redispatches for the network: units behind a full line are turned down and
  others up, at least cost; of what still cannot be delivered, those behind the full line bear the
  same part. Energy that the market did not sell is not handed out afterwards: under a uniform price
  nobody knows before the redispatch that it cannot leave its node. Who bears the redispatch is said
  in `settlement.baselines.tariffs`.
- *flat*: nobody has a price to answer to. As much is served as the network can, and each supply
  point gets the same part, but for those behind a full line, who share what comes through it.

What is served always fits the network: it is dispatched again within ratings and Kirchhoff's laws,
and what that leaves unserved is not delivered. Net export of supply points that cannot leave its
node is not delivered either, pro rata over those who feed in there.

Losses are generated under each design, by the factors of the grid model, as readings that are made
hold them (`settlement.dispatch.losses`): what is dispatched is demand with its losses, what is
delivered is what is taken without them, and where less can be generated than demand and losses ask
for, of both the same part is missing. A grid model without energy accounts states no losses, and
none are generated.

Rounding: a node's part is divided over its supply points by largest remainder, ties to the first,
so parts sum to it exactly. Generation is what is delivered and lost, but for what whole Wh leave,
at most `settlement.dispatch.losses.most_rounding_wh`, and what units that cannot fall in time give
that nobody takes (`DayDispatch.excess_wh`).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from settlement.baselines.designs import Design
from settlement.core.energy_accounts import EnergyAreas
from settlement.core.model import DayReadings
from settlement.core.periods import MINUTES_PER_HOUR
from settlement.core.rounding import apportion
from settlement.dispatch.least_cost import DayDispatch, dispatch_day
from settlement.dispatch.losses import (
    arriving_wh,
    beyond_wh,
    demand_with_losses_wh,
    most_rounding_wh,
    unserved_without_losses_wh,
    with_losses,
)
from settlement.dispatch.model import DispatchModel, Integers
from settlement.dispatch.prices import without_network
from settlement.dispatch.rationing import Shortage, rationed_wh

ROUNDS = 4
"""How often a day is dispatched again for what delivery changes of losses."""


@dataclass(frozen=True, eq=False)
class Served:
    """What a design delivers, and generates for it: G supply points, U units, T intervals.

    Attributes:
        delivered_wh: int64[G, T], between nothing and what was asked for; negative is net export.
        generation_wh: int64[U, T], negative where storage takes energy in.
    """

    delivered_wh: Integers
    generation_wh: Integers


@dataclass(frozen=True, eq=False)
class DesignsDay:
    """Who is served on a day by each design.

    Attributes:
        scheduled_wh: int64[U, T], what the market of the uniform price sold of each unit, before
            the redispatch for the network.
    """

    nodal: Served
    uniform: Served
    scheduled_wh: Integers
    flat: Served

    @property
    def served(self) -> dict[Design, Served]:
        """Return who is served, by design."""
        return {
            Design.NODAL: self.nodal,
            Design.UNIFORM: self.uniform,
            Design.FLAT: self.flat,
        }


@dataclass(frozen=True, eq=False)
class Network:
    """What serves: grid and fleet, what is lost on the way, and where supply points are.

    Attributes:
        model: grid and fleet; units lose what their area loses of generation.
        areas: the loss factors of the grid model; None where it states none.
        point_node: int64[G], node of each supply point.
    """

    model: DispatchModel
    areas: EnergyAreas | None
    point_node: Integers

    @classmethod
    def of(cls, model: DispatchModel, areas: EnergyAreas | None, point_node: Integers) -> Self:
        """Return the network whose losses are generated."""
        return cls(with_losses(model, areas), areas, point_node)

    def demand_wh(self, asked_wh: Integers) -> Integers:
        """Return int64[N, T], demand of nodes with its losses, from int64[G, T] of points."""
        at_nodes_wh = node_demand_wh(self.model, self.point_node, asked_wh)
        return demand_with_losses_wh(self.areas, at_nodes_wh)

    def dispatch(self, free_w: Integers, asked_wh: Integers) -> DayDispatch:
        """Return the least-cost dispatch of demand of points and its losses."""
        return dispatch_day(self.model, free_w, self.demand_wh(asked_wh))

    def delivered_wh(self, asked_wh: Integers, dispatch: DayDispatch) -> Integers:
        """Return what is delivered of int64[G, T] where its dispatch leaves or spills some."""
        asked_at_nodes_wh = node_demand_wh(self.model, self.point_node, asked_wh)
        unserved_wh = unserved_without_losses_wh(
            asked_at_nodes_wh, self.demand_wh(asked_wh), dispatch.unserved_wh
        )
        return _without(self.point_node, asked_wh, unserved_wh, dispatch.spilled_wh)

    def closes(self, served: Served, excess_wh: Integers) -> bool:
        """Return whether only rounding parts generation from what is delivered and lost."""
        places = (self.model.unit_node, self.point_node)
        beyond = beyond_wh(self.areas, *places, served.generation_wh, served.delivered_wh)
        most_wh = most_rounding_wh(self.model)
        return bool((np.abs(beyond - excess_wh.sum(axis=0)) <= most_wh).all())


def serve_day(network: Network, asked_wh: Integers, free: Integers) -> DesignsDay:
    """Return who is served of what was asked for on a day, by each design.

    Args:
        network: units in the order of `free`.
        asked_wh: int64[G, T].
        free: int64[U, T] in W, as `supply_w` returns.

    Raises:
        ValueError, DispatchError: as in `settlement.dispatch.least_cost.dispatch_day`.
        OverflowError: a day's energy times a loss factor could pass int64.
    """
    everything = network.dispatch(free, asked_wh)
    sold_wh, scheduled_wh = _sell(network, asked_wh, free)
    redispatched = everything
    if (sold_wh != asked_wh).any():
        redispatched = network.dispatch(free, sold_wh)
    service = _Service(network, free)
    pro_rata = service.serve(asked_wh, everything, near_first=False)
    return DesignsDay(
        nodal=service.serve(asked_wh, everything, near_first=True),
        uniform=(
            pro_rata
            if redispatched is everything
            else service.serve(sold_wh, redispatched, near_first=False)
        ),
        scheduled_wh=scheduled_wh,
        flat=pro_rata,
    )


def _sell(network: Network, asked_wh: Integers, free: Integers) -> tuple[Integers, Integers]:
    """Return what a market without a network sells to each supply point, and of each unit."""
    plate = without_network(network.model)
    one_node = np.zeros_like(network.point_node)
    # Each area loses its own factor: no network is no limit, and not no way.
    with_losses_wh = network.demand_wh(asked_wh).sum(axis=0, keepdims=True)
    cleared = dispatch_day(plate, free, with_losses_wh)
    unserved_wh = unserved_without_losses_wh(
        node_demand_wh(plate, one_node, asked_wh), with_losses_wh, cleared.unserved_wh
    )
    sold_wh = _without(one_node, asked_wh, unserved_wh, cleared.spilled_wh)
    return sold_wh, cleared.generation_wh


@dataclass(frozen=True, eq=False)
class _Service:
    """A network, and int64[U, T] of free power in W."""

    network: Network
    free_w: Integers

    def serve(self, asked_wh: Integers, dispatch: DayDispatch, *, near_first: bool) -> Served:
        """Return what is delivered of int64[G, T], where its least-cost dispatch is known."""
        short = np.flatnonzero((dispatch.unserved_wh > 0).any(axis=0))
        if short.size:
            asked_wh = self._ration(asked_wh, dispatch, short, near_first=near_first)
            dispatch = self.network.dispatch(self.free_w, asked_wh)
        return self._deliver(asked_wh, dispatch)

    def _ration(
        self, asked_wh: Integers, dispatch: DayDispatch, short: Integers, *, near_first: bool
    ) -> Integers:
        """Return what each supply point gets in the intervals that are short."""
        network = self.network
        model, point_node = network.model, network.point_node
        shortage = self._shortage(asked_wh, dispatch.generation_wh, short)
        missing_wh = shortage.asked_wh - rationed_wh(model, shortage, near_first=near_first)
        asked_at_nodes_wh = node_demand_wh(model, point_node, asked_wh[:, short])
        with_losses_wh = network.demand_wh(asked_wh)[:, short]
        missing_wh = unserved_without_losses_wh(asked_at_nodes_wh, with_losses_wh, missing_wh)
        rationed = asked_wh.copy()
        rationed[:, short] = points_without(point_node, asked_wh[:, short], missing_wh)
        return rationed

    def _shortage(self, asked_wh: Integers, generation_wh: Integers, short: Integers) -> Shortage:
        """Return what nodes take with its losses, and what arrives there of what units can give."""
        model = self.network.model
        most_wh = self.free_w[:, short] * model.interval_minutes // MINUTES_PER_HOUR
        stores = (model.storage_wh > 0)[:, np.newaxis]
        given_wh = np.where(stores, generation_wh[:, short], most_wh)
        supply_wh = np.zeros((model.node_count, len(short)), dtype=np.int64)
        np.add.at(supply_wh, model.unit_node, arriving_wh(model, given_wh))
        fed_in_wh = node_demand_wh(
            model, self.network.point_node, np.maximum(-asked_wh[:, short], 0)
        )
        # What nodes take on balance with its losses, and what they feed in: all that they take.
        taken_wh = self.network.demand_wh(asked_wh)[:, short] + fed_in_wh
        return Shortage(taken_wh, fed_in_wh, supply_wh)

    def _deliver(self, asked_wh: Integers, dispatch: DayDispatch) -> Served:
        """Return what is delivered, dispatched again where it loses otherwise than was dispatched.

        An area that could not feed all in takes more on balance, and loses more; one that is served
        less loses less. Each round leaves of that no more than a loss factor.
        """
        for _ in range(ROUNDS):
            delivered_wh = self.network.delivered_wh(asked_wh, dispatch)
            served = Served(delivered_wh, dispatch.generation_wh)
            if (
                self.network.areas is None
                or (delivered_wh == asked_wh).all()
                or self.network.closes(served, dispatch.excess_wh)
            ):
                break
            asked_wh, dispatch = delivered_wh, self.network.dispatch(self.free_w, delivered_wh)
        return served


def _without(
    point_node: Integers, asked_wh: Integers, unserved_wh: Integers, spilled_wh: Integers
) -> Integers:
    """Return what is left of int64[G, T] where nodes leave int64[N, T] of it, or spill it."""
    fed_in_wh = points_without(point_node, -asked_wh, spilled_wh)
    return points_without(point_node, -fed_in_wh, unserved_wh)


def points_without(point_node: Integers, asked_wh: Integers, short_wh: Integers) -> Integers:
    """Return what is left of what is asked for, where nodes get less: each point in proportion.

    Args:
        point_node: int64[G].
        asked_wh: int64[G, T]; what is negative stays as it is.
        short_wh: int64[N, T], how much less each node gets, not negative.

    Example: 10 Wh unserved at a node whose points may take 30, 60 and -5 leaves 27, 53 and -5: of
    10 the first bears 3 1/3 and the second 6 2/3, which is 3 and 7.
    """
    left_wh = asked_wh.copy()
    for node, interval in np.argwhere(short_wh > 0).tolist():
        points = np.flatnonzero((point_node == node) & (asked_wh[:, interval] > 0))
        weights = asked_wh[points, interval].tolist()
        # Rounding to whole Wh can leave one more unserved than there was to serve.
        short = min(int(short_wh[node, interval]), sum(weights))
        if short:
            left_wh[points, interval] -= np.array(apportion(short, weights), dtype=np.int64)
    return left_wh


def node_demand_wh(model: DispatchModel, point_node: Integers, demand_wh: Integers) -> Integers:
    """Return int64[N, T], demand of each node less its net export, from int64[G, T] of points."""
    demand = np.zeros((model.node_count, demand_wh.shape[1]), dtype=np.int64)
    np.add.at(demand, point_node, demand_wh)
    return demand


def supply_w(network: Network, readings: DayReadings) -> Integers:
    """Return what the designs may serve from, int64[U, T] in W.

    Reserve is held under each design too, but it is called before demand is refused: on a day on
    which somebody would go short beside it, all that is available serves. It is the day and not the
    interval, as what storage lacks at the peak is what it could not take in before.

    Raises:
        ValueError, DispatchError: as in `settlement.dispatch.least_cost.dispatch_day`.
    """
    free = free_w(readings)
    if readings.reserve_w is None or not readings.reserve_w.any():
        return free
    is_short = network.dispatch(free, readings.scarcity_wh).unserved_wh.any()
    return readings.available_w if is_short else free


def free_w(readings: DayReadings) -> Integers:
    """Return what is available and not held for reserve, shape (U, T)."""
    if readings.reserve_w is None:
        return readings.available_w
    free_w: Integers = np.maximum(readings.available_w - readings.reserve_w, 0)
    return free_w
