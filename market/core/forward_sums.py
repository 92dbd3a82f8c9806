"""Sums over the holons of a market in its intervals to come, and what they come to at a node."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from market.core.grid_state import GridState
from market.core.pricing import MOST_DEMAND_W, Prices
from settlement.core.arrays import Integers
from settlement.core.tightness import PPM, Curve, LayerTightness, layer_tightness


@dataclass(frozen=True, eq=False)
class NodeForward:
    """The intervals to come as seen from one node, in its K layers.

    Attributes:
        demand_w, deliverable_w: shape (K, T), of the holon of each layer that holds the node.
        net_demand_w: shape (T,), at the node; below nothing where it feeds in.
        spare_w: shape (T,), by how much demand may grow until sums are no longer exact; below
            nothing where they are not.
        curves: of each layer, for buying.
        sell_curves: of each layer, for selling.
        layers_in_use: of each layer, whether it sets prices.
    """

    demand_w: Integers
    deliverable_w: Integers
    net_demand_w: Integers
    spare_w: Integers
    curves: tuple[Curve, ...]
    sell_curves: tuple[Curve, ...]
    layers_in_use: tuple[bool, ...]

    @property
    def room_w(self) -> Integers:
        """Shape (T,): by how much the node may take more, until a holon over it passes all it has.

        Where one has passed already there is no room. Net export at the node is taken first, and
        is no demand.

        Example: 70 W of demand in a zone that 100 W can be brought to; the node feeds in 20 W. It
        may take 50 W more: the first 20 leave demand as it is, and the other 30 fill the zone.
        """
        left = np.minimum((self.deliverable_w - self.demand_w).min(axis=0), self.spare_w)
        return np.where(left < 0, 0, left + np.maximum(-self.net_demand_w, 0))

    def with_more(self, more_w: Integers) -> Prices:
        """Return the node's tightness and prices where it takes so much more, shape (T,) each.

        The tightness is the highest of the layers, whether they set prices or not; the prices are
        the highest of those that do, as `node_prices`.
        """
        before = np.maximum(self.net_demand_w, 0)
        grown = np.maximum(self.net_demand_w + more_w, 0) - before
        demand = np.where(self.spare_w < 0, 0, self.demand_w + grown)
        tightness = demand * PPM // np.maximum(self.deliverable_w, 1)
        for row, priced in enumerate(zip(self.curves, self.sell_curves, strict=True)):
            last = max(int(curve.tightness_ppm[-1]) for curve in priced)
            tightness[row][(self.deliverable_w[row] == 0) & (demand[row] > 0)] = last
        used = np.flatnonzero(np.array(self.layers_in_use)).tolist()
        buy = np.stack([self.curves[row].price_at(tightness[row]) for row in used])
        sell = np.stack([self.sell_curves[row].price_at(tightness[row]) for row in used])
        return Prices(tightness.max(axis=0), buy.max(axis=0), sell.max(axis=0))


class ForwardSums:
    """W at nodes and their sums over holons in T intervals, moved entity by entity.

    Attributes:
        spare_w: shape (T,), as that of `NodeForward`.
    """

    def __init__(
        self,
        grid: GridState,
        count: int,
        available_w: Sequence[Integers],
        demand_w: Sequence[Integers],
    ) -> None:
        self.grid, self.model = grid, grid.market.model
        model, holons = self.model, grid.holons
        self._unit_w = np.array(available_w, dtype=np.int64).reshape(-1, count)
        self._point_w = np.array(demand_w, dtype=np.int64).reshape(-1, count)
        nodes = (len(model.grid.nodes), count)
        self._available_w, self._net_demand_w = np.zeros((2, *nodes), dtype=np.int64)
        np.add.at(self._available_w, model.unit_node, self._unit_w)
        np.add.at(self._net_demand_w, model.supply_point_node, self._point_w)
        self._holon_available_w, self._holon_demand_w = np.zeros(
            (2, len(holons), count), dtype=np.int64
        )
        demand_at = np.maximum(self._net_demand_w, 0)
        for of_layer in holons.node_holons:
            np.add.at(self._holon_available_w, of_layer, self._available_w)
            np.add.at(self._holon_demand_w, of_layer, demand_at)
        self._sell_curves = model.sell_curves or model.curves
        self._flows_w = np.zeros((len(holons) if self._asks_flow else 0, count), dtype=np.int64)
        self._stale = np.ones(count, dtype=np.bool_)

    @property
    def _asks_flow(self) -> bool:
        return self.model.deliverability == "max-flow"

    def put_unit(self, row: int, power_w: Integers) -> None:
        """Let a unit feed in other than it did, shape (T,)."""
        more_w = power_w - self._unit_w[row]
        self._unit_w[row] = power_w
        node = int(self.model.unit_node[row])
        self._available_w[node] += more_w
        self._holon_available_w[self.grid.holons.node_holons[:, node]] += more_w

    def put_point(self, row: int, power_w: Integers) -> None:
        """Let a supply point take other than it did, shape (T,)."""
        more_w = power_w - self._point_w[row]
        self._point_w[row] = power_w
        self.take_more(int(self.model.supply_point_node[row]), more_w)

    def take_more(self, node: int, more_w: Integers) -> None:
        """Let more be taken at a node, shape (T,)."""
        before = np.maximum(self._net_demand_w[node], 0)
        self._net_demand_w[node] += more_w
        grown_w = np.maximum(self._net_demand_w[node], 0) - before
        self._holon_demand_w[self.grid.holons.node_holons[:, node]] += grown_w
        self._stale |= grown_w != 0

    def all_moved(self) -> None:
        """Note that what lines bring is other than it was in every interval."""
        self._stale[:] = True

    @property
    def spare_w(self) -> Integers:
        """Shape (T,), by how much demand may grow until its millionfold is no longer exact."""
        outermost = slice(*self.grid.holons.first[:2])
        spare: Integers = MOST_DEMAND_W - self._holon_demand_w[outermost].sum(axis=0)
        return spare

    def at(self, node: int) -> NodeForward:
        """Return the intervals as seen from a node."""
        rows = self.grid.holons.node_holons[:, node]
        return NodeForward(
            self._holon_demand_w[rows],
            self._deliverable_w(rows),
            self._net_demand_w[node].copy(),
            self.spare_w,
            self.model.curves,
            self._sell_curves,
            self.model.layers_in_use,
        )

    def _deliverable_w(self, rows: Integers) -> Integers:
        """Return what can be delivered to some holons, shape (M, T), as `layer_tightness`."""
        if self._asks_flow:
            self._make_flows()
            flows: Integers = self._flows_w[rows]
            return flows
        available_w, demand_w = self._holon_available_w, self._holon_demand_w
        outermost = slice(*self.grid.holons.first[:2])
        surplus_w = available_w[outermost].sum(axis=0) - demand_w[outermost].sum(axis=0)
        outside_w = surplus_w - (available_w[rows] - demand_w[rows])
        boundary_w = self.grid.sums.boundary_w[rows][:, np.newaxis]
        imports_w = np.minimum(boundary_w, np.maximum(outside_w, 0))
        deliverable: Integers = available_w[rows] + imports_w
        return deliverable

    def _make_flows(self) -> None:
        """Make anew what maximum flow delivers, where anything moved."""
        columns = np.flatnonzero(self._stale)
        if len(columns):
            layers = self._layers(columns)
            self._flows_w[:, columns] = np.concatenate([each.deliverable_w for each in layers])
        self._stale[:] = False

    def prices(self) -> Prices:
        """Return tightness and prices of all holons, shape (H, T) each.

        Where sums are not exact, as if nobody took anything.
        """
        layers = self._layers(np.arange(self._net_demand_w.shape[1], dtype=np.int64))
        return Prices(
            *(
                np.concatenate([getattr(layer, each.name) for layer in layers])
                for each in fields(Prices)
            )
        )

    def _layers(self, columns: Integers) -> list[LayerTightness]:
        """Return all layers in some intervals, by settlement's market maker."""
        grid = self.grid.grid
        demand_w = np.maximum(self._net_demand_w[:, columns], 0)
        demand_w[:, self.spare_w[columns] < 0] = 0
        return [
            layer_tightness(
                grid,
                layer,
                curve,
                self._available_w[:, columns],
                demand_w,
                sell_curve=sell_curve,
                deliverability=self.model.deliverability,
            )
            for layer, curve, sell_curve in zip(
                grid.layers, self.model.curves, self._sell_curves, strict=True
            )
        ]
