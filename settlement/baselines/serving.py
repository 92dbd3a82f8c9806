"""Who is served under each design, and what units generate for it: arrays in, arrays out.

All designs have the same demand, units and network, and none knows what a kWh is worth to whom: no
product states a willingness to pay below the cap. So where not all can be served, each design
rations *by price, then pro rata* in its own way:

- *nodal*: least cost, the losses of the way included, says how much each node gets (see `near
  first` in `settlement.dispatch.rationing`): every node that is not served in full has the cap for
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

Rounding: a node's part is divided over its supply points by largest remainder, ties to the first,
so parts sum to it exactly. What rounding of the dispatch leaves between generation and delivery
is at most a Wh a unit and node (`settlement.dispatch.least_cost.DayDispatch.residual_wh`).
"""

from dataclasses import dataclass

import numpy as np

from settlement.baselines.designs import Design
from settlement.core.model import DayReadings
from settlement.core.periods import MINUTES_PER_HOUR
from settlement.core.rounding import apportion
from settlement.dispatch.least_cost import DayDispatch, dispatch_day
from settlement.dispatch.model import DispatchModel, Integers
from settlement.dispatch.prices import without_network
from settlement.dispatch.rationing import Shortage, rationed_wh


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


def serve_day(
    model: DispatchModel, point_node: Integers, asked_wh: Integers, free: Integers
) -> DesignsDay:
    """Return who is served of what was asked for on a day, by each design.

    Args:
        model: grid and fleet, units in the order of `free`.
        point_node: int64[G], node of each supply point.
        asked_wh: int64[G, T].
        free: int64[U, T] in W, as `supply_w` returns.

    Raises:
        ValueError, DispatchError: as in `settlement.dispatch.least_cost.dispatch_day`.
    """
    everything = dispatch_day(model, free, node_demand_wh(model, point_node, asked_wh))
    plate = without_network(model)
    one_node = np.zeros_like(point_node)
    cleared = dispatch_day(plate, free, node_demand_wh(plate, one_node, asked_wh))
    sold_wh = _delivered(one_node, asked_wh, cleared)
    redispatched = everything
    if (sold_wh != asked_wh).any():
        redispatched = dispatch_day(model, free, node_demand_wh(model, point_node, sold_wh))
    network = _Network(model, point_node, free)
    pro_rata = network.serve(asked_wh, everything, near_first=False)
    return DesignsDay(
        nodal=network.serve(asked_wh, everything, near_first=True),
        uniform=(
            pro_rata
            if redispatched is everything
            else network.serve(sold_wh, redispatched, near_first=False)
        ),
        scheduled_wh=cleared.generation_wh,
        flat=pro_rata,
    )


@dataclass(frozen=True, eq=False)
class _Network:
    """What serves: grid and fleet, the node of each supply point, and int64[U, T] of free power."""

    model: DispatchModel
    point_node: Integers
    free_w: Integers

    def serve(self, asked_wh: Integers, dispatch: DayDispatch, *, near_first: bool) -> Served:
        """Return what is delivered of int64[G, T], where its least-cost dispatch is known."""
        short = np.flatnonzero((dispatch.unserved_wh > 0).any(axis=0))
        if not short.size:
            return Served(_delivered(self.point_node, asked_wh, dispatch), dispatch.generation_wh)
        shortage = self._shortage(asked_wh[:, short], dispatch.generation_wh[:, short], short)
        node_wh = rationed_wh(self.model, shortage, near_first=near_first)
        served_wh = asked_wh.copy()
        served_wh[:, short] = points_without(
            self.point_node, asked_wh[:, short], shortage.asked_wh - node_wh
        )
        demand_wh = node_demand_wh(self.model, self.point_node, served_wh)
        again = dispatch_day(self.model, self.free_w, demand_wh)
        return Served(_delivered(self.point_node, served_wh, again), again.generation_wh)

    def _shortage(self, asked_wh: Integers, generation_wh: Integers, short: Integers) -> Shortage:
        model = self.model
        most_wh = self.free_w[:, short] * model.interval_minutes // MINUTES_PER_HOUR
        stores = (model.storage_wh > 0)[:, np.newaxis]
        supply_wh = np.zeros((model.node_count, len(short)), dtype=np.int64)
        np.add.at(supply_wh, model.unit_node, np.where(stores, generation_wh, most_wh))
        return Shortage(
            node_demand_wh(model, self.point_node, np.maximum(asked_wh, 0)),
            node_demand_wh(model, self.point_node, np.maximum(-asked_wh, 0)),
            supply_wh,
        )


def _delivered(point_node: Integers, asked_wh: Integers, dispatch: DayDispatch) -> Integers:
    """Return what is delivered of int64[G, T] where a dispatch leaves or spills some of it."""
    fed_in_wh = points_without(point_node, -asked_wh, dispatch.spilled_wh)
    return points_without(point_node, -fed_in_wh, dispatch.unserved_wh)


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


def supply_w(model: DispatchModel, point_node: Integers, readings: DayReadings) -> Integers:
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
    asked_wh = node_demand_wh(model, point_node, readings.scarcity_wh)
    is_short = dispatch_day(model, free, asked_wh).unserved_wh.any()
    return readings.available_w if is_short else free


def free_w(readings: DayReadings) -> Integers:
    """Return what is available and not held for reserve, shape (U, T)."""
    if readings.reserve_w is None:
        return readings.available_w
    free_w: Integers = np.maximum(readings.available_w - readings.reserve_w, 0)
    return free_w
