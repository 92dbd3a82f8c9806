"""All holons of all layers as one row of arrays, and their prices made again in one pass.

An event moves the sums of one holon in each layer. But imports by *boundary* are bounded by the
surplus outside, which every event moves: so the price of every holon that lives on that surplus
moves with it, and all are made again. Integers throughout, as in `settlement.core.tightness`,
which is the oracle: the same sums give the same tightness and the same prices, bit for bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from settlement.core.arrays import INT64_LIMIT, Integers, kernel
from settlement.core.grid import Grid
from settlement.core.model import MarketModel
from settlement.core.tightness import PPM, Curve, layer_tightness

MOST_DEMAND_W = (INT64_LIMIT - 1) // PPM
"""The most demand of all nodes together, whose millionfold is yet exact: nine terawatts."""


@dataclass(frozen=True, eq=False)
class Prices:
    """Tightness and prices of all holons, shape (H,) each, in the order of `Holons`."""

    tightness_ppm: Integers
    price_micro_per_mwh: Integers
    sell_price_micro_per_mwh: Integers

    def of(self, holons: Integers) -> "Prices":
        """Return those of some holons."""
        return Prices(
            self.tightness_ppm[holons],
            self.price_micro_per_mwh[holons],
            self.sell_price_micro_per_mwh[holons],
        )

    def with_these(self, holons: Integers, prices: "Prices") -> "Prices":
        """Return the same, but for some holons."""
        changed = Prices(
            self.tightness_ppm.copy(),
            self.price_micro_per_mwh.copy(),
            self.sell_price_micro_per_mwh.copy(),
        )
        changed.tightness_ppm[holons] = prices.tightness_ppm
        changed.price_micro_per_mwh[holons] = prices.price_micro_per_mwh
        changed.sell_price_micro_per_mwh[holons] = prices.sell_price_micro_per_mwh
        return changed

    def moved_from(self, before: "Prices", deadband_micro_per_mwh: int) -> Integers:
        """Return the holons, rising, whose price or sell price lies further than that from it."""
        moved = np.empty(len(self.price_micro_per_mwh), dtype=np.int64)
        count = _find_moved(
            self.price_micro_per_mwh,
            self.sell_price_micro_per_mwh,
            before.price_micro_per_mwh,
            before.sell_price_micro_per_mwh,
            deadband_micro_per_mwh,
            moved,
        )
        return moved[:count].copy()


@dataclass(frozen=True, eq=False)
class Sums:
    """What prices are made of: W at nodes, and their sums over holons; arrays change in place.

    Attributes:
        available_w, demand_w: shape (N,), not negative.
        holon_available_w, holon_demand_w: shape (H,).
        boundary_w: shape (H,), ratings of lines into each.
    """

    available_w: Integers
    demand_w: Integers
    holon_available_w: Integers
    holon_demand_w: Integers
    boundary_w: Integers


class Holons:
    """The holons of a market, layer by layer, outermost first; H of them.

    Attributes:
        node_holons: shape (K, N), index of the holon of each layer that holds a node.
        layer: shape (H,), index of each holon's layer.
        first: K + 1 indices: where each layer begins, and H.
    """

    def __init__(self, model: MarketModel) -> None:
        self.model = model
        layers = model.grid.layers
        sizes = [len(layer.holons) for layer in layers]
        self.first = [0, *np.cumsum(sizes).tolist()]
        self.layer = np.repeat(np.arange(len(layers), dtype=np.int64), sizes)
        self.node_holons: Integers = np.stack(
            [layer.node_holon + start for layer, start in zip(layers, self.first, strict=False)]
        )
        self._buy = _Curves.of(model.curves)
        self._sell = _Curves.of(model.sell_curves or model.curves)
        self._last_knot = np.array(
            [
                max(int(buy.tightness_ppm[-1]), int(sell.tightness_ppm[-1]))
                for buy, sell in zip(model.curves, model.sell_curves or model.curves, strict=True)
            ],
            dtype=np.int64,
        )

    def __len__(self) -> int:
        return len(self.layer)

    @cached_property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Layer and name of each holon."""
        return tuple(
            (layer.name, holon) for layer in self.model.grid.layers for holon in layer.holons
        )

    def sums(self, grid: Grid, available_w: Integers, demand_w: Integers) -> Sums:
        """Return sums of W at nodes, shape (N,) each, over holons; the arrays are the caller's."""
        return Sums(
            available_w,
            demand_w,
            self._over_holons(available_w),
            self._over_holons(demand_w),
            np.concatenate([grid.boundary_w(layer) for layer in grid.layers]),
        )

    def _over_holons(self, values: Integers) -> Integers:
        sums = np.zeros(len(self), dtype=np.int64)
        for of_layer in self.node_holons:
            np.add.at(sums, of_layer, values)
        return sums

    def prices(self, sums: Sums) -> Prices:
        """Return what every holon comes to, by *boundary*, in one pass."""
        made = np.empty((3, len(self)), dtype=np.int64)
        _price_holons(
            sums.available_w,
            sums.demand_w,
            sums.holon_available_w,
            sums.holon_demand_w,
            sums.boundary_w,
            self.layer,
            self._last_knot,
            self._buy.first,
            self._buy.knots,
            self._buy.prices,
            self._sell.first,
            self._sell.knots,
            self._sell.prices,
            made,
        )
        return Prices(*made)

    def prices_in_full(self, grid: Grid, available_w: Integers, demand_w: Integers) -> Prices:
        """Return them by settlement's own market maker, from W at nodes: by either measure."""
        model = self.model
        layers = [
            layer_tightness(
                grid,
                layer,
                curve,
                available_w[:, np.newaxis],
                demand_w[:, np.newaxis],
                sell_curve=sell_curve,
                deliverability=model.deliverability,
            )
            for layer, curve, sell_curve in zip(
                grid.layers, model.curves, model.sell_curves or model.curves, strict=True
            )
        ]
        return Prices(
            *(
                np.concatenate([getattr(layer, field.name)[:, 0] for layer in layers])
                for field in fields(Prices)
            )
        )

    def node_prices(self, price_micro_per_mwh: Integers) -> tuple[Integers, Integers]:
        """Return the price at each node, the highest of the layers in use, and which sets it.

        Shape (N,) each; equal prices bind at the outermost layer, as in `node_prices`.
        """
        used = np.flatnonzero(np.array(self.model.layers_in_use))
        of_layers = price_micro_per_mwh[self.node_holons[used]]
        return of_layers.max(axis=0), used[of_layers.argmax(axis=0)]


@dataclass(frozen=True, eq=False)
class _Curves:
    """The curves of all layers in one row: that of layer k from first[k] up to first[k + 1]."""

    first: Integers
    knots: Integers
    prices: Integers

    @classmethod
    def of(cls, curves: Sequence[Curve]) -> "_Curves":
        first = np.cumsum([0, *(len(curve.tightness_ppm) for curve in curves)], dtype=np.int64)
        return cls(
            first,
            np.concatenate([curve.tightness_ppm for curve in curves]),
            np.concatenate([curve.price_micro_per_mwh for curve in curves]),
        )


@kernel
def _price_holons(
    node_available_w: Integers,
    node_demand_w: Integers,
    available_w: Integers,
    demand_w: Integers,
    boundary_w: Integers,
    layer: Integers,
    last_knot: Integers,
    buy_first: Integers,
    buy_knots: Integers,
    buy_prices: Integers,
    sell_first: Integers,
    sell_knots: Integers,
    sell_prices: Integers,
    made: Integers,
) -> None:
    """Write tightness, price and sell price of each holon into the rows of `made`."""
    surplus_w = 0
    for node in range(len(node_available_w)):
        surplus_w += node_available_w[node] - node_demand_w[node]
    for holon in range(len(available_w)):
        number = layer[holon]
        outside_w = surplus_w - (available_w[holon] - demand_w[holon])
        imports_w = min(boundary_w[holon], max(outside_w, 0))
        deliverable_w = available_w[holon] + imports_w
        if deliverable_w > 0:
            tightness = demand_w[holon] * PPM // deliverable_w
        elif demand_w[holon] > 0:
            tightness = last_knot[number]
        else:
            tightness = 0
        made[0, holon] = tightness
        made[1, holon] = _price_at(
            tightness, buy_knots, buy_prices, buy_first[number], buy_first[number + 1]
        )
        made[2, holon] = _price_at(
            tightness, sell_knots, sell_prices, sell_first[number], sell_first[number + 1]
        )


@kernel
def _price_at(tightness: int, knots: Integers, prices: Integers, first: int, end: int) -> int:
    """Return the price of a curve that stands from `first` up to `end`, as `Curve.price_at`."""
    if tightness <= knots[first]:
        return int(prices[first])
    if tightness >= knots[end - 1]:
        return int(prices[end - 1])
    left = first
    while knots[left + 1] <= tightness:
        left += 1
    rise, run = prices[left + 1] - prices[left], knots[left + 1] - knots[left]
    return int(prices[left] + (tightness - knots[left]) * rise // run)


@kernel
def _find_moved(
    prices: Integers,
    sell_prices: Integers,
    prices_before: Integers,
    sell_prices_before: Integers,
    deadband: int,
    moved: Integers,
) -> int:
    """Write which of both prices lie further from what they were into `moved`; return how many."""
    count = 0
    for holon in range(len(prices)):
        rise = abs(prices[holon] - prices_before[holon])
        sell_rise = abs(sell_prices[holon] - sell_prices_before[holon])
        if rise > deadband or sell_rise > deadband:
            moved[count] = holon
            count += 1
    return count
